// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	_ "cel.dev/expr/conformance/proto2"
	_ "cel.dev/expr/conformance/proto3"
	"cel.dev/expr/conformance/test"
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"google.golang.org/protobuf/encoding/prototext"
)

// Files of the suite about the standard definitions; the others test extension libraries and messages.
var files = []string{"basic", "comparisons", "conversions", "dynamic", "fields", "fp_math", "integer_math", "lists", "logic",
	"macros", "namespace", "parse", "plumbing", "string", "timestamps", "type_deduction"}

// Prints "name, tab, expression, tab, what is expected": "value" and, where the row tells one, a tab and the value; or "eval".
func printConformance(out *bufio.Writer) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "cel.dev/expr").Output()
	if err != nil {
		panic(err)
	}
	back := strings.NewReplacer("\n", "⏎", "\r", "␍", "\t", "␉")
	for _, name := range files {
		path := filepath.Join(strings.TrimSpace(string(dir)), "tests/simple/testdata", name+".textproto")
		data, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		file := &test.SimpleTestFile{}
		if err := (prototext.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, file); err != nil {
			fmt.Fprintln(os.Stderr, name, err)
			continue
		}
		for _, section := range file.Section {
			for _, row := range section.Test {
				if len(row.TypeEnv) > 0 || len(row.Bindings) > 0 || row.Container != "" || row.DisableMacros || row.CheckOnly || row.DisableCheck {
					continue
				}
				want := "value"
				if row.GetValue() != nil {
					value, err := cel.ProtoAsValue(types.DefaultTypeAdapter, row.GetValue())
					if err != nil {
						continue // of a message type
					}
					want = "value\t" + text(value)
				} else if row.GetEvalError() != nil || row.GetAnyEvalErrors() != nil {
					want = "eval"
				}
				fmt.Fprintf(out, "%s/%s/%s\t%s\t%s\n", name, section.Name, row.Name, back.Replace(row.Expr), want)
			}
		}
	}
}
