// Reconciles one Kustomization as Flux's kustomize-controller does, by its own libraries: server-side apply in its stages, and
// then waiting for what `wait` or `healthChecks` name, with `healthCheckExprs`. It prints what it applied, in its order, and
// how it ended.
//
//	flux [-timeout 1m] KUSTOMIZATIONS.yaml NAME OBJECTS.yaml
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/cli-utils/pkg/kstatus/polling/clusterreader"
	"github.com/fluxcd/cli-utils/pkg/kstatus/polling/engine"
	"github.com/fluxcd/cli-utils/pkg/object"
	kustomizations "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/runtime/cel"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/normalize"
	"github.com/fluxcd/pkg/ssa/utils"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/yaml"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// The Kustomization of a name.
func find(path, name string) *kustomizations.Kustomization {
	text, err := os.ReadFile(path)
	check(err)
	for _, document := range bytes.Split(text, []byte("\n---")) {
		found := &kustomizations.Kustomization{}
		check(yaml.UnmarshalStrict(document, found))
		if found.Name == name {
			return found
		}
	}
	check(fmt.Errorf("%s has no Kustomization %s", path, name))
	return nil
}

func main() {
	patience := flag.Duration("timeout", time.Minute, "how long it may take")
	flag.Parse()
	wanted := find(flag.Arg(0), flag.Arg(1))
	text, err := os.ReadFile(flag.Arg(2))
	check(err)
	objects, err := utils.ReadObjects(bytes.NewReader(text))
	check(err)
	check(normalize.UnstructuredList(objects))

	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	check(err)
	config.QPS, config.Burst = 50, 100
	http, err := rest.HTTPClientFor(config)
	check(err)
	mapper, err := apiutil.NewDynamicRESTMapper(config, http)
	check(err)
	cluster, err := client.New(config, client.Options{Mapper: mapper})
	check(err)
	expressions, err := cel.NewStatusReader(wanted.Spec.HealthCheckExprs)
	check(err)
	poller := polling.NewStatusPoller(cluster, mapper, polling.Options{
		CustomStatusReaders:  []engine.StatusReader{expressions(mapper)},
		ClusterReaderFactory: engine.ClusterReaderFactoryFunc(clusterreader.NewDirectClusterReader),
	})
	manager := ssa.NewResourceManager(cluster, poller, ssa.Owner{Field: "kustomize-controller", Group: "kustomize.toolkit.fluxcd.io"})
	manager.SetOwnerLabels(objects, wanted.Name, wanted.Namespace)

	limited, cancel := context.WithTimeout(context.Background(), *patience)
	defer cancel()
	applied, err := manager.ApplyAllStaged(limited, objects, ssa.DefaultApplyOptions())
	check(err)
	for _, one := range applied.Entries {
		fmt.Printf("%s: %s\n", one.Subject, one.Action)
	}

	set := applied.ToObjMetadataSet()
	if !wanted.Spec.Wait {
		set = object.ObjMetadataSet{}
		for _, one := range wanted.Spec.HealthChecks {
			version, err := schema.ParseGroupVersion(one.APIVersion)
			check(err)
			set = append(set, object.ObjMetadata{Namespace: one.Namespace, Name: one.Name, GroupKind: schema.GroupKind{Group: version.Group, Kind: one.Kind}})
		}
	}
	options := ssa.WaitOptions{Interval: 500 * time.Millisecond, Timeout: *patience, FailFast: true}
	if err := manager.WaitForSetWithContext(limited, set, options); err != nil {
		fmt.Printf("Failed: %v\n", err)
		return
	}
	fmt.Printf("Ready: waited for %d\n", len(set))
}
