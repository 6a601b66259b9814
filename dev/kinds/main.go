// Decodes YAML documents of kinds that the tests' API server does not serve, by the types of who defines them, and says
// which field is none of theirs.
//
// A workflow of GitHub's is looked through by actionlint, and its scripts by the shellcheck on the PATH.
//
//	kinds FILE...
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"

	helm "github.com/fluxcd/helm-controller/api/v2"
	kustomize "github.com/fluxcd/kustomize-controller/api/v1"
	source "github.com/fluxcd/source-controller/api/v1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/rhysd/actionlint"
	"sigs.k8s.io/yaml"
)

var kinds = map[string]func() any{
	"helm.toolkit.fluxcd.io/v2/HelmRelease":        func() any { return &helm.HelmRelease{} },
	"kustomize.toolkit.fluxcd.io/v1/Kustomization": func() any { return &kustomize.Kustomization{} },
	"source.toolkit.fluxcd.io/v1/GitRepository":    func() any { return &source.GitRepository{} },
	"source.toolkit.fluxcd.io/v1/OCIRepository":    func() any { return &source.OCIRepository{} },
	"monitoring.coreos.com/v1/PodMonitor":          func() any { return &monitoring.PodMonitor{} },
	"monitoring.coreos.com/v1/PrometheusRule":      func() any { return &monitoring.PrometheusRule{} },
	"monitoring.coreos.com/v1/ServiceMonitor":      func() any { return &monitoring.ServiceMonitor{} },
}

// Prints what is wrong with it.
func workflow(path string, text []byte) (bool, error) {
	shellcheck, err := exec.LookPath("shellcheck")
	if err != nil {
		return false, err
	}
	linter, err := actionlint.NewLinter(os.Stdout, &actionlint.LinterOptions{Shellcheck: shellcheck})
	if err != nil {
		return false, err
	}
	problems, err := linter.Lint(path, text, nil)
	return len(problems) == 0, err
}

func main() {
	known, failed := 0, false
	for _, path := range os.Args[1:] {
		text, err := os.ReadFile(path)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		if strings.Contains(path, ".github/workflows/") {
			well, err := workflow(path, text)
			if err != nil {
				fmt.Println(err)
			}
			failed = failed || !well
			known++
			continue
		}
		for _, document := range bytes.Split(append([]byte("\n"), text...), []byte("\n---")) {
			var is struct{ APIVersion, Kind string }
			if err = yaml.Unmarshal(document, &is); err == nil && kinds[is.APIVersion+"/"+is.Kind] != nil {
				known++
				err = yaml.UnmarshalStrict(document, kinds[is.APIVersion+"/"+is.Kind]())
			}
			if err != nil {
				failed = true
				fmt.Printf("%s: %s %s: %v\n", path, is.APIVersion, is.Kind, err)
			}
		}
	}
	fmt.Printf("%d objects of known kinds\n", known)
	if failed {
		os.Exit(1)
	}
}
