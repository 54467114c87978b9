// SPDX-License-Identifier: Apache-2.0

// celgo answers like tests/peer/cel_lines.c, with cel-go: an expression a line in, stage, value and type out.
//
//	celgo              expressions from the standard input
//	celgo conformance  name, expression and what is expected of the conformance suite's rows that need no message type
//	celgo generate N   N random expressions
//	celgo regexp       "pattern tab text" a line in; "true", "false" or "error" out
//	celgo unicode      src/match/regex_unicode.c
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

var marks = strings.NewReplacer("⏎", "\n", "␍", "\r", "␉", "\t")

// The variables of tests/unit/match/cel/cases.txt.
func environment() (*cel.Env, map[string]any) {
	env, err := cel.NewEnv(
		cel.Variable("annotations", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("keys", cel.ListType(cel.StringType)),
		cel.Variable("i", cel.IntType), cel.Variable("u", cel.UintType), cel.Variable("d", cel.DoubleType),
		cel.Variable("s", cel.StringType), cel.Variable("by", cel.BytesType), cel.Variable("b", cel.BoolType),
		cel.Variable("li", cel.ListType(cel.IntType)), cel.Variable("mi", cel.MapType(cel.StringType, cel.IntType)),
		cel.Variable("y", cel.DynType), cel.Variable("t", cel.TimestampType), cel.Variable("du", cel.DurationType),
		cel.Variable("none", cel.IntType), cel.Variable("deep", cel.DynType))
	if err != nil {
		panic(err)
	}
	y := map[string]any{"a": int64(1), "n": nil}
	return env, map[string]any{
		"annotations": map[string]string{"io.kubernetes.pod.namespace": "kube-system", "app": "web", "empty": ""},
		"keys":        []string{"io.kubernetes.pod.namespace", "other"},
		"i":           int64(7), "u": uint64(7), "d": 2.5, "s": "héllo", "by": []byte("hé"), "b": true,
		"li": []int64{1, 2, 3}, "mi": map[string]int64{"one": 1, "two": 2}, "y": y,
		"t": time.Unix(1234567890, 500000000).UTC(), "du": 90 * time.Minute, "deep": map[string]any{"inner": y},
	}
}

func quote(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			fmt.Fprintf(&out, "\\%c", r)
		case r == '\n':
			out.WriteString("\\n")
		case r == '\r':
			out.WriteString("\\r")
		case r == '\t':
			out.WriteString("\\t")
		case r == '\b':
			out.WriteString("\\b")
		case r == '\f':
			out.WriteString("\\f")
		case r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029:
			fmt.Fprintf(&out, "\\u%04x", r)
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
	return out.String()
}

func number(d float64) string {
	if math.IsNaN(d) || math.IsInf(d, 0) {
		return fmt.Sprintf("double(\"%g\")", d)
	}
	text := strconv.FormatFloat(d, 'g', -1, 64)
	if strings.ContainsAny(text, ".e") {
		return text
	}
	return text + ".0"
}

// All digits of a duration, as time_print_duration writes it.
func seconds(ns int64) string {
	sign, magnitude := "", uint64(ns)
	if ns < 0 {
		sign, magnitude = "-", -uint64(ns)
	}
	text := fmt.Sprintf("%s%d.%09d", sign, magnitude/1e9, magnitude%1e9)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// The value as cel_value_print writes it; entries of maps are sorted.
func text(value ref.Val) string {
	switch v := value.(type) {
	case types.Null:
		return "null"
	case types.Bool:
		return strconv.FormatBool(bool(v))
	case types.Int:
		return strconv.FormatInt(int64(v), 10)
	case types.Uint:
		return strconv.FormatUint(uint64(v), 10) + "u"
	case types.Double:
		return number(float64(v))
	case types.String:
		return quote(string(v))
	case types.Bytes:
		var out strings.Builder
		for _, b := range []byte(v) {
			if b < 0x20 || b >= 0x7f || b == '"' || b == '\\' {
				fmt.Fprintf(&out, "\\%03o", b)
			} else {
				out.WriteByte(b)
			}
		}
		return "b\"" + out.String() + "\""
	case types.Timestamp:
		return "timestamp(\"" + v.UTC().Format(time.RFC3339Nano) + "\")"
	case types.Duration:
		return "duration(\"" + seconds(int64(v.Duration)) + "s\")"
	case traits.Mapper:
		var entries []string
		for it := v.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			entries = append(entries, text(key)+": "+text(v.Get(key)))
		}
		sort.Strings(entries)
		return "{" + strings.Join(entries, ", ") + "}"
	case traits.Lister:
		var items []string
		for it := v.Iterator(); it.HasNext() == types.True; {
			items = append(items, text(it.Next()))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case ref.Type:
		return v.TypeName()
	}
	return fmt.Sprintf("? %T", value)
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return strings.NewReplacer("\t", " ", "\r", " ").Replace(line)
}

func answer(env *cel.Env, values map[string]any, source string) string {
	parsed, issues := env.Parse(source)
	if issues.Err() != nil {
		return "syntax\t" + firstLine(issues.Err())
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		return "check\t" + firstLine(issues.Err())
	}
	program, err := env.Program(checked)
	if err != nil {
		return "check\t" + firstLine(err)
	}
	result, _, err := program.Eval(values)
	if err != nil {
		return "eval\t" + firstLine(err)
	}
	kind := strings.NewReplacer("google.protobuf.Timestamp", "timestamp", "google.protobuf.Duration", "duration", "null_type", "null").
		Replace(checked.OutputType().String())
	return "value\t" + text(result) + "\t" + kind
}

func matches(line string) string {
	pattern, subject, _ := strings.Cut(line, "\t")
	var fields [2]string
	for i, field := range []string{pattern, subject} {
		if json.Unmarshal([]byte(field), &fields[i]) != nil {
			return "error\tnot JSON"
		}
	}
	re, err := regexp.Compile(fields[0])
	if err != nil {
		return "error\t" + firstLine(err)
	}
	return strconv.FormatBool(re.MatchString(fields[1]))
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	mode := ""
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	switch mode {
	case "unicode":
		printUnicode()
	case "conformance":
		printConformance(out)
	case "generate":
		n, _ := strconv.Atoi(os.Args[2])
		printGenerated(out, n)
	case "regexp":
		for in.Scan() {
			fmt.Fprintln(out, matches(in.Text()))
		}
	default:
		env, values := environment()
		for in.Scan() {
			fmt.Fprintln(out, answer(env, values, marks.Replace(in.Text())))
		}
	}
}
