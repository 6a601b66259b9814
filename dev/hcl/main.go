// Prints the locals of a Terraform module as JSON, computed by Terraform's own language library, and fails where a file is
// not formatted. It knows no provider: what the module reads from AWS comes in on standard input, with the variables, as
// {"var": {...}, "data": {...}}.
//
//	hcl FOLDER NAME...
//
// Or the attributes of every block of an example from the docs, as {"module.NAME": {...}, "TYPE.NAME": {...}}, where the
// standard input says what the names in it stand for.
//
//	hcl --example FILE
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

var functions = map[string]function.Function{
	"concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc, "file": fileFunc, "jsonencode": stdlib.JSONEncodeFunc,
	"length": stdlib.LengthFunc, "merge": stdlib.MergeFunc, "trimprefix": stdlib.TrimPrefixFunc,
	// JSON is YAML.
	"yamlencode": stdlib.JSONEncodeFunc,
}

// As Terraform's own, which is not in its language library.
var fileFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "path", Type: cty.String}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		text, err := os.ReadFile(args[0].AsString())
		return cty.StringVal(string(text)), err
	},
})

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

func checked[T any](value T, problems hcl.Diagnostics) T {
	if problems.HasErrors() {
		fail("%v", problems)
	}
	return value
}

// Any JSON as a value.
func value(raw json.RawMessage) cty.Value {
	kind, err := ctyjson.ImpliedType(raw)
	if err != nil {
		fail("%s: %v", raw, err)
	}
	v, err := ctyjson.Unmarshal(raw, kind)
	if err != nil {
		fail("%s: %v", raw, err)
	}
	return v
}

// The file as Terraform would write it.
func parsed(parser *hclparse.Parser, path string) *hclsyntax.Body {
	text, err := os.ReadFile(path)
	if err != nil {
		fail("%v", err)
	}
	if string(hclwrite.Format(text)) != string(text) {
		fail("%s is not formatted", path)
	}
	return checked(parser.ParseHCL(text, path)).Body.(*hclsyntax.Body)
}

func example(path string, input []byte) {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(input, &given); err != nil {
		fail("standard input: %v", err)
	}
	scope := &hcl.EvalContext{Functions: functions, Variables: map[string]cty.Value{}}
	for name, raw := range given {
		scope.Variables[name] = value(raw)
	}
	answer := map[string]map[string]ctyjson.SimpleJSONValue{}
	for _, block := range parsed(hclparse.NewParser(), path).Blocks {
		attributes := map[string]ctyjson.SimpleJSONValue{}
		for name, attribute := range block.Body.Attributes {
			// What `removed` names is an address and no value.
			if block.Type == "module" || block.Type == "resource" {
				attributes[name] = ctyjson.SimpleJSONValue{Value: checked(attribute.Expr.Value(scope))}
			}
		}
		name := append([]string{block.Type}, block.Labels...)
		if block.Type == "resource" {
			name = name[1:]
		}
		answer[strings.Join(name, ".")] = attributes
	}
	_ = json.NewEncoder(os.Stdout).Encode(answer)
}

func main() {
	input, err := io.ReadAll(os.Stdin)
	if err == nil && os.Args[1] == "--example" {
		example(os.Args[2], input)
		return
	}
	var given struct {
		Var  map[string]json.RawMessage
		Data json.RawMessage
	}
	if err == nil {
		err = json.Unmarshal(input, &given)
	}
	if err != nil {
		fail("standard input: %v", err)
	}

	files, _ := filepath.Glob(filepath.Join(os.Args[1], "*.tf"))
	parser, variables, locals := hclparse.NewParser(), map[string]cty.Value{}, map[string]hcl.Expression{}
	for _, path := range files {
		for _, block := range parsed(parser, path).Blocks {
			switch block.Type {
			case "variable":
				name := block.Labels[0]
				if raw, ok := given.Var[name]; ok {
					variables[name] = value(raw)
				} else if initial, ok := block.Body.Attributes["default"]; ok {
					variables[name] = checked(initial.Expr.Value(nil))
				} else {
					fail("no value for variable %s", name)
				}
				kind := checked(typeexpr.TypeConstraint(block.Body.Attributes["type"].Expr))
				if variables[name], err = convert.Convert(variables[name], kind); err != nil {
					fail("variable %s: %v", name, err)
				}
			case "locals":
				for name, attribute := range block.Body.Attributes {
					locals[name] = attribute.Expr
				}
			}
		}
	}
	for name := range given.Var {
		if _, ok := variables[name]; !ok {
			fail("the module has no variable %s", name)
		}
	}

	// One after another, each when those that it names are known.
	known := map[string]cty.Value{}
	for len(known) < len(locals) {
		before := len(known)
		for name, expression := range locals {
			if _, done := known[name]; done {
				continue
			}
			waits := slices.ContainsFunc(expression.Variables(), func(t hcl.Traversal) bool {
				if t.RootName() != "local" {
					return false
				}
				_, ok := known[t[1].(hcl.TraverseAttr).Name]
				return !ok
			})
			if !waits {
				known[name] = checked(expression.Value(&hcl.EvalContext{Functions: functions, Variables: map[string]cty.Value{
					"var": cty.ObjectVal(variables), "data": value(given.Data), "local": cty.ObjectVal(known),
				}}))
			}
		}
		if len(known) == before {
			fail("locals name each other in a circle, or one that is not there")
		}
	}
	answer := map[string]string{}
	for _, name := range os.Args[2:] {
		if known[name] == cty.NilVal {
			fail("no local %s; there are %s", name, strings.Join(slices.Sorted(func(yield func(string) bool) {
				for name := range known {
					if !yield(name) {
						return
					}
				}
			}), " "))
		}
		answer[name] = known[name].AsString()
	}
	_ = json.NewEncoder(os.Stdout).Encode(answer)
}
