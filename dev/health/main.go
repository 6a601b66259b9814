// Says what GitOps tools conclude from objects: kstatus, by the library itself, and Argo CD, by its Lua interpreter with
// the scripts of a ConfigMap argocd-cm. Each line of the standard input is {"name": ..., "object": {...}}, and what is
// expected may stand beside it as "kstatus" and "health", and as "flux" where it is not kstatus that decides but a
// Kustomization of Flux with expressions for the kind. Where nothing is expected it prints, else it compares.
//
//	health ARGOCD_CM.yaml [KUSTOMIZATIONS.yaml]
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

// A JSON value as Argo CD hands it to a script.
func value(state *lua.LState, from any) lua.LValue {
	switch from := from.(type) {
	case bool:
		return lua.LBool(from)
	case float64:
		return lua.LNumber(from)
	case int64:
		return lua.LNumber(from)
	case string:
		return lua.LString(from)
	case []any:
		table := state.NewTable()
		for _, item := range from {
			table.Append(value(state, item))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for key, item := range from {
			table.RawSetString(key, value(state, item))
		}
		return table
	}
	return lua.LNil
}

// What a script makes of an object: within a second, and with no libraries but those that Argo CD opens for a script that
// does not ask for more (no string library, for one).
func health(script string, object map[string]any) (status, message string, err error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{{lua.LoadLibName, lua.OpenPackage}, {lua.BaseLibName, lua.OpenBase}, {lua.TabLibName, lua.OpenTable}} {
		call := lua.P{Fn: state.NewFunction(library.open), Protect: true}
		if err = state.CallByParam(call, lua.LString(library.name)); err != nil {
			return "", "", err
		}
	}
	limited, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(limited)
	state.SetGlobal("obj", value(state, object))
	if err = state.DoString(script); err != nil {
		return "", "", err
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return "", "", fmt.Errorf("the script returns a %s and no table", state.Get(-1).Type())
	}
	return lua.LVAsString(table.RawGetString("status")), lua.LVAsString(table.RawGetString("message")), nil
}

// The evaluators of Kustomizations, by the kind that they are for.
func expressions(paths []string) map[string]*cel.StatusEvaluator {
	evaluators := map[string]*cel.StatusEvaluator{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			fail("%v", err)
		}
		for _, document := range bytes.Split(text, []byte("\n---")) {
			var is struct {
				Spec struct{ HealthCheckExprs []kustomize.CustomHealthCheck }
			}
			if err := yaml.Unmarshal(document, &is); err != nil {
				fail("%s: %v", path, err)
			}
			for _, check := range is.Spec.HealthCheckExprs {
				if evaluators[check.Kind], err = cel.NewStatusEvaluator(&check.HealthCheckExpressions); err != nil {
					fail("%s: %s: %v", path, check.Kind, err)
				}
			}
		}
	}
	return evaluators
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		fail("%v", err)
	}
	var settings struct{ Data map[string]string }
	if err := yaml.Unmarshal(text, &settings); err != nil {
		fail("%s: %v", os.Args[1], err)
	}

	evaluators := expressions(os.Args[2:])
	type state struct {
		Name, Kstatus, Health, Flux string
		Object                      json.RawMessage
	}
	passed, failed := 0, 0
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var given state
		decoder := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&given); err != nil {
			fail("%s: %v", lines.Text(), err)
		}
		var object unstructured.Unstructured
		if err := object.UnmarshalJSON(given.Object); err != nil {
			fail("%s: %v", given.Name, err)
		}
		concluded, err := status.Compute(&object)
		if err != nil {
			fail("%s: kstatus: %v", given.Name, err)
		}
		key := fmt.Sprintf("resource.customizations.health.%s_%s", object.GroupVersionKind().Group, object.GetKind())
		script, ok := settings.Data[key]
		if !ok {
			fail("%s has no %s", os.Args[1], key)
		}
		is, message, err := health(script, object.Object)
		if err != nil {
			fail("%s: %s: %v", given.Name, key, err)
		}
		flux := concluded.Status
		if evaluator := evaluators[object.GetKind()]; evaluator != nil {
			evaluated, err := evaluator.Evaluate(context.Background(), &object)
			if err != nil {
				fail("%s: healthCheckExprs: %v", given.Name, err)
			}
			flux = evaluated.Status
		}
		if given.Kstatus == "" && given.Health == "" {
			fmt.Printf("%-11s %-12s %s: %s\n", concluded.Status, is, given.Name, message)
			continue
		}
		// Whoever looks at a tool only wants to be told why.
		wrong := func(expected, is string) bool { return expected != "" && expected != is }
		if wrong(given.Kstatus, string(concluded.Status)) || wrong(given.Health, is) || wrong(given.Flux, string(flux)) || message == "" {
			failed++
			fmt.Printf("FAILED: %s: kstatus %s, expected %s; Argo CD %s, expected %s: %q; Flux %s, expected %s\n  %s\n",
				given.Name, concluded.Status, given.Kstatus, is, given.Health, message, flux, given.Flux, given.Object)
			continue
		}
		passed++
	}
	if err := lines.Err(); err != nil {
		fail("%v", err)
	}
	if passed+failed > 0 {
		fmt.Printf("health: %d passed, %d failed\n", passed, failed)
	}
	if failed > 0 {
		os.Exit(1)
	}
}
