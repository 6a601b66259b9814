// Syncs objects to a cluster as Argo CD does, by its own engine: waves, the order of kinds, dry runs, three-way or server-side
// apply, pruning, and waiting for what the health scripts of an argocd-cm say. What it prints is one line for each wave that
// it applied, in their order, one for each object, and how it ended.
//
//	argocd [FLAG]... HEALTH ARGOCD_CM.yaml OBJECTS.yaml
//
// HEALTH is the program of dev/health, which runs the scripts.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/argoproj/gitops-engine/pkg/cache"
	"github.com/argoproj/gitops-engine/pkg/health"
	"github.com/argoproj/gitops-engine/pkg/sync"
	"github.com/argoproj/gitops-engine/pkg/sync/common"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/gitops-engine/pkg/utils/tracing"
	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

// Whose an object is, as Argo CD has it.
const tracking = "argocd.argoproj.io/tracking-id"

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

func check(err error) {
	if err != nil {
		fail("%v", err)
	}
}

// The scripts of an argocd-cm, for the kinds that have one.
type scripts struct{ program, settings string }

func (s scripts) GetResourceHealth(object *unstructured.Unstructured) (*health.HealthStatus, error) {
	if !strings.HasSuffix(object.GroupVersionKind().Group, "irsa-operator.io") {
		return nil, nil
	}
	line, err := json.Marshal(map[string]any{"name": "it", "object": object.Object})
	if err != nil {
		return nil, err
	}
	command := exec.Command(s.program, s.settings)
	command.Stdin, command.Stderr = bytes.NewReader(line), os.Stderr
	answer, err := command.Output()
	if err != nil {
		return nil, err
	}
	// What kstatus says, what the script says, "it:", and why.
	words := strings.Fields(string(answer))
	return &health.HealthStatus{Status: health.HealthStatusCode(words[1]), Message: strings.Join(words[3:], " ")}, nil
}

func main() {
	app := flag.String("app", "app", "the Application's name")
	namespace := flag.String("namespace", "default", "where objects belong that name no namespace")
	prune := flag.Bool("prune", false, "delete what was the Application's and is no more")
	serverSide := flag.Bool("server-side", false, "ServerSideApply=true")
	createNamespace := flag.Bool("create-namespace", false, "CreateNamespace=true")
	patience := flag.Duration("timeout", time.Minute, "how long it may take")
	flag.Parse()
	klog.SetLogger(logr.Discard())

	text, err := os.ReadFile(flag.Arg(2))
	check(err)
	targets, err := kube.SplitYAML(text)
	check(err)
	for _, target := range targets {
		annotations := target.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		kind := target.GroupVersionKind()
		annotations[tracking] = fmt.Sprintf("%s:%s/%s:%s/%s", *app, kind.Group, kind.Kind, target.GetNamespace(), target.GetName())
		target.SetAnnotations(annotations)
	}

	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	check(err)
	config.QPS, config.Burst = 50, 100
	override := scripts{flag.Arg(0), flag.Arg(1)}
	cluster := cache.NewClusterCache(config, cache.SetLogr(logr.Discard()),
		cache.SetSettings(cache.Settings{ResourceHealthOverride: override, ResourcesFilter: cache.NewNoopSettings()}),
		cache.SetPopulateResourceInfoHandler(func(object *unstructured.Unstructured, _ bool) (any, bool) {
			owner := object.GetAnnotations()[tracking]
			return owner, owner != ""
		}))
	check(cluster.EnsureSynced())
	mine := func(r *cache.Resource) bool {
		owner, _ := r.Info.(string)
		return strings.HasPrefix(owner, *app+":")
	}

	foreground := metav1.DeletePropagationForeground
	options := []sync.SyncOpt{sync.WithLogr(logr.Discard()), sync.WithHealthOverride(override), sync.WithPrune(*prune),
		sync.WithPrunePropagationPolicy(&foreground), sync.WithServerSideApply(*serverSide),
		sync.WithServerSideApplyManager("argocd-controller"), sync.WithSyncWaveHook(func(_ common.SyncPhase, wave int, _ bool) error {
			fmt.Printf("wave %d\n", wave)
			return nil
		})}
	if *createNamespace {
		options = append(options, sync.WithNamespaceModifier(func(_, live *unstructured.Unstructured) (bool, error) { return live == nil, nil }))
	}

	// As its controller: a new context at each turn, with what is in the cluster now and what became of it so far.
	kubectl := &kube.KubectlCmd{Log: logr.Discard(), Tracer: tracing.NewLoggingTracer(logr.Discard())}
	phase, message, results, started := common.OperationRunning, "", []common.ResourceSyncResult(nil), metav1.Now()
	for {
		live, err := cluster.GetManagedLiveObjs(targets, mine)
		check(err)
		compared := sync.Reconcile(targets, live, *namespace, cluster)
		turn, end, err := sync.NewSyncContext("HEAD", compared, config, config, kubectl, *namespace, cluster.GetOpenAPISchema(),
			append(options, sync.WithInitialState(phase, message, results, started))...)
		check(err)
		turn.Sync()
		phase, message, results = turn.GetState()
		end()
		if phase.Completed() || time.Since(started.Time) > *patience {
			break
		}
		time.Sleep(500 * time.Millisecond)
	}
	for _, one := range results {
		fmt.Printf("%s %s: %s %s\n", one.ResourceKey.Kind, one.ResourceKey.Name, one.Status, strings.Join(strings.Fields(one.Message), " "))
	}
	fmt.Printf("%s: %s\n", phase, message)
}
