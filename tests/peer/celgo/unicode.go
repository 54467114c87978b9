// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"os"
	"unicode"
)

const spanMax = 2047 // 11 bits, see regex_unicode.h

func printTable(out *bufio.Writer, name string, table *unicode.RangeTable) {
	fmt.Fprintf(out, "static const uint32_t unicode_%s[] = {\n", name)
	column := 0
	emit := func(low, high rune) {
		for low <= high {
			span := min(high-low, spanMax)
			if column%10 == 0 {
				fmt.Fprint(out, "\t")
			}
			column++
			fmt.Fprintf(out, "0x%x,", uint32(low)<<11|uint32(span))
			if column%10 == 0 {
				fmt.Fprint(out, "\n")
			} else {
				fmt.Fprint(out, " ")
			}
			low += span + 1
		}
	}
	low, high := rune(-1), rune(-1)
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.Is(table, r) {
			continue
		}
		if r != high+1 || low < 0 {
			if low >= 0 {
				emit(low, high)
			}
			low = r
		}
		high = r
	}
	emit(low, high)
	fmt.Fprint(out, "\n};\n\n")
}

type foldRow struct{ low, high, delta, stride rune }

// Runs of characters whose successors among those that differ in case only are equally far away; a run of every other
// character is told from one of all.
func foldRows() []foldRow {
	rows, taken := []foldRow{}, map[rune]bool{}
	delta := func(r rune) rune { return unicode.SimpleFold(r) - r }
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if delta(r) == 0 || taken[r] {
			continue
		}
		best := foldRow{r, r, delta(r), 1}
		for stride := rune(1); stride <= 2; stride++ {
			row := foldRow{r, r, delta(r), stride}
			for delta(row.high+stride) == row.delta && !taken[row.high+stride] {
				row.high += stride
			}
			if (row.high-row.low)/stride > (best.high-best.low)/best.stride {
				best = row
			}
		}
		for t := best.low; t <= best.high; t += best.stride {
			taken[t] = true
		}
		rows = append(rows, best)
	}
	return rows
}

func printUnicode() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	fmt.Fprintf(out, "/* SPDX-License-Identifier: Apache-2.0 */\n/* Unicode %s, printed by tests/peer/celgo (celgo unicode). */\n#include \"match/regex_unicode.h\"\n\n/* clang-format off */\n", unicode.Version)
	names := []string{"L", "Lu", "Ll", "M", "N", "Nd", "P", "S", "Z", "Latin", "Greek", "Cyrillic", "Han"}
	for _, name := range names {
		table := unicode.Categories[name]
		if table == nil {
			table = unicode.Scripts[name]
		}
		printTable(out, name, table)
	}
	fmt.Fprint(out, "const struct regex_unicode regex_unicode[] = {\n")
	for _, name := range names {
		fmt.Fprintf(out, "\t{ \"%s\", unicode_%s, sizeof unicode_%s / sizeof(uint32_t) },\n", name, name, name)
	}
	fmt.Fprint(out, "};\n\nconst size_t regex_unicode_count = sizeof regex_unicode / sizeof *regex_unicode;\n\nconst struct regex_fold regex_fold[] = {\n")
	for _, row := range foldRows() {
		fmt.Fprintf(out, "\t{ 0x%x, 0x%x, %d, %d },\n", row.low, row.high, row.delta, row.stride)
	}
	fmt.Fprint(out, "};\n\nconst size_t regex_fold_count = sizeof regex_fold / sizeof *regex_fold;\n")
}
