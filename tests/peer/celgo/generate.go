// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"math/rand"
	"strings"
)

var leaves = []string{"0", "1", "-1", "2", "7", "9223372036854775807", "-9223372036854775808", "0u", "1u", "7u", "18446744073709551615u",
	"0.0", "1.0", "-1.5", "2.5", "1e300", "true", "false", "null", "''", "'a'", "'héllo'", "'1'", "'true'", "b''", "b'a'", "b'\\377'",
	"[]", "{}", "i", "u", "d", "s", "by", "b", "li", "mi", "y", "t", "du", "annotations", "keys", "none", "deep", "int", "string", "list",
	"duration('90s')", "duration('-1h')", "timestamp('2024-02-29T12:00:00Z')", "timestamp(0)", "double('nan')", "double('inf')"}

var binary = []string{"+", "-", "*", "/", "%", "<", "<=", ">", ">=", "==", "!=", "in", "&&", "||"}
var unary = []string{"size", "int", "uint", "double", "string", "bytes", "bool", "timestamp", "duration", "type", "dyn"}
var member0 = []string{"size", "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours",
	"getMinutes", "getSeconds", "getMilliseconds"}
var member1 = []string{"contains", "startsWith", "endsWith", "matches"}
var folds = []string{"all", "exists", "exists_one", "map", "filter"}

// A random expression; scope holds the variables of the macros around it.
func expression(r *rand.Rand, depth int, scope []string) string {
	sub := func() string { return expression(r, depth-1, scope) }
	if depth == 0 || r.Intn(6) == 0 {
		if len(scope) > 0 && r.Intn(3) == 0 {
			return scope[r.Intn(len(scope))]
		}
		return leaves[r.Intn(len(leaves))]
	}
	switch r.Intn(13) {
	case 0, 1, 2, 3:
		return fmt.Sprintf("(%s %s %s)", sub(), binary[r.Intn(len(binary))], sub())
	case 4:
		return fmt.Sprintf("(%s ? %s : %s)", sub(), sub(), sub())
	case 5:
		return fmt.Sprintf("%s(%s)", unary[r.Intn(len(unary))], sub())
	case 6:
		return fmt.Sprintf("dyn(%s)", sub())
	case 7:
		return fmt.Sprintf("(%s).%s()", sub(), member0[r.Intn(len(member0))])
	case 8:
		return fmt.Sprintf("(%s).%s(%s)", sub(), member1[r.Intn(len(member1))], sub())
	case 9:
		var items []string
		for n := r.Intn(4); n > 0; n-- {
			items = append(items, sub())
		}
		return "[" + strings.Join(items, ", ") + "]"
	case 10:
		if r.Intn(2) == 0 {
			return fmt.Sprintf("(%s)[%s]", sub(), sub())
		}
		return fmt.Sprintf("{'a': %s, 'k': %s}", sub(), sub())
	case 11:
		name := fmt.Sprintf("v%d", len(scope))
		return fmt.Sprintf("(%s).%s(%s, %s)", sub(), folds[r.Intn(len(folds))], name, expression(r, depth-1, append(scope[:len(scope):len(scope)], name)))
	default:
		if r.Intn(2) == 0 {
			return fmt.Sprintf("has((%s).a)", sub())
		}
		return fmt.Sprintf("%s%s", []string{"!", "-", "!!"}[r.Intn(3)], "("+sub()+")")
	}
}

// Prints n expressions, always the same; dyn() around leaves lets more of them get past the checker.
func printGenerated(out *bufio.Writer, n int) {
	r := rand.New(rand.NewSource(1))
	for i := 0; i < n; i++ {
		fmt.Fprintln(out, expression(r, 1+i%4, nil))
	}
}
