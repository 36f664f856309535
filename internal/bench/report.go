package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// A bar is how much something may be at most, or at least.
type bar struct {
	n         int
	name      string
	unit      string
	must, aim float64 // an aim of 0 is none
	atLeast   bool
}

func (b bar) meets(value, limit float64) bool {
	if b.atLeast {
		return value >= limit
	}
	return value <= limit
}

func (b bar) verdict(value float64) string {
	switch {
	case !b.meets(value, b.must):
		return "short"
	case b.aim != 0 && b.meets(value, b.aim):
		return "aim"
	}
	return "pass"
}

func (b bar) limit(v float64) string {
	switch {
	case v == 0:
		return ""
	case b.atLeast:
		return "≥ " + number(v)
	}
	return "≤ " + number(v)
}

// number shows three digits of v.
func number(v float64) string {
	switch {
	case v < 0.995:
		return fmt.Sprintf("%.3f", v)
	case v < 9.95:
		return fmt.Sprintf("%.2f", v)
	case v < 99.5:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// A report prints the bars and remembers how they went.
type report struct {
	out     io.Writer
	only    []int // nil for all
	verbose bool
	count   map[string]int // lines by verdict
	missed  []string
}

func (r *report) wants(n int) bool { return r.only == nil || slices.Contains(r.only, n) }

func (r *report) heading() {
	fmt.Fprintf(r.out, "%2s  %-54s %8s  %-9s %-8s %-8s\n", "", "bar", "ratio", "of", "must", "aim")
}

// result prints one bar.
func (r *report) result(b bar, value float64) {
	if !r.wants(b.n) {
		return
	}
	verdict := b.verdict(value)
	r.add(verdict)
	if verdict == "short" {
		r.missed = append(r.missed, fmt.Sprint(b.n))
	}
	fmt.Fprintf(r.out, "%2d  %-54s %8s  %-9s %-8s %-8s %s\n", b.n, b.name, number(value), b.unit, b.limit(b.must), b.limit(b.aim), verdict)
}

// notYet prints a bar that cannot be measured, and why.
func (r *report) notYet(n int, name, why string) {
	if !r.wants(n) {
		return
	}
	r.add("not yet")
	fmt.Fprintf(r.out, "%2d  %-54s not yet: %s\n", n, name, why)
}

// detail says what a ratio is made of, to those who asked.
func (r *report) detail(format string, args ...any) {
	if r.verbose {
		fmt.Fprintf(r.out, "      "+format+"\n", args...)
	}
}

func (r *report) add(verdict string) {
	if r.count == nil {
		r.count = make(map[string]int)
	}
	r.count[verdict]++
}

// close prints the last line. It returns an error if a bar was missed.
func (r *report) close() error {
	met := r.count["pass"] + r.count["aim"]
	fmt.Fprintf(r.out, "%d met, %d of them as well as was aimed at; %d short", met, r.count["aim"], r.count["short"])
	if len(r.missed) > 0 {
		fmt.Fprintf(r.out, " (%s)", strings.Join(slices.Compact(r.missed), ", "))
	}
	fmt.Fprintf(r.out, "; %d not yet\n", r.count["not yet"])
	if r.count["short"] > 0 {
		return errShort
	}
	return nil
}
