package copse_test

import (
	"strings"
	"testing"
	"time"

	"copse/copse"
)

func TestWhoeverSeesSomethingMayReportIt(t *testing.T) {
	trees := &copse.Community{Actor: copse.Actor{Title: "Trees"}}
	for _, tt := range []struct {
		name     string
		f        copse.Facts
		audience copse.Audience
		want     copse.Code // 0 if they may
	}{
		{"a member", copse.Facts{Role: copse.Member}, copse.Members, 0},
		{"anybody, what is public", copse.Facts{}, copse.Public, 0},
		{"a stranger, what is for members", copse.Facts{}, copse.Members, copse.CodeNotFound},
		{"a stranger, what is removed and for members", copse.Facts{Deleted: true}, copse.Members, copse.CodeNotFound},
		{"somebody blocked", copse.Facts{State: copse.Blocked}, copse.Public, copse.CodeForbidden},
		{"its author", copse.Facts{Role: copse.Member, Author: true}, copse.Members, copse.CodeForbidden},
		{"what has been removed", copse.Facts{Role: copse.Member, Deleted: true}, copse.Members, copse.CodeForbidden},
		{"passed on by the community", copse.Facts{Announced: true}, copse.Members, 0},
	} {
		tt.f.Community = trees
		if got := copse.MayReport(tt.f, tt.audience); copse.CodeOf(got) != tt.want || (got == nil) != (tt.want == 0) {
			t.Errorf("%s: MayReport = %v", tt.name, got)
		}
	}
	ann, bob := &copse.Actor{ID: 1, Type: copse.Person}, &copse.Actor{ID: 2, Type: copse.Person}
	gone, group := &copse.Actor{ID: 3, Type: copse.Person, Gone: time.Now()}, &copse.Actor{ID: 4, Type: copse.Group}
	for _, tt := range []struct {
		whom *copse.Actor
		want copse.Code
	}{{bob, 0}, {ann, copse.CodeForbidden}, {gone, copse.CodeNotFound}, {group, copse.CodeNotFound}} {
		if got := copse.MayReportPerson(ann, tt.whom); copse.CodeOf(got) != tt.want {
			t.Errorf("MayReportPerson of %d = %v", tt.whom.ID, got)
		}
	}
}

func TestReportsAreForThoseWhoLookAfterACommunity(t *testing.T) {
	for _, tt := range []struct {
		name string
		f    copse.Facts
		want bool
	}{
		{"a member", copse.Facts{Role: copse.Member}, false},
		{"a facilitator", copse.Facts{Role: copse.Moderator}, true},
		{"an owner", copse.Facts{Role: copse.Owner}, true},
		{"a facilitator, of what they wrote", copse.Facts{Role: copse.Moderator, Author: true}, false},
		{"an administrator", copse.Facts{Admin: true}, true},
		{"an administrator, of what they wrote", copse.Facts{Admin: true, Author: true}, true},
		{"its home", copse.Facts{Announced: true}, true},
	} {
		if err := copse.MayHandle(tt.f); (err == nil) != tt.want {
			t.Errorf("%s: MayHandle = %v, want allowed %v", tt.name, err, tt.want)
		}
	}
	here, away := &copse.Actor{Type: copse.Person, Local: true}, &copse.Actor{Type: copse.Person}
	about := &copse.Case{Subject: 7}
	for _, tt := range []struct {
		name   string
		who    *copse.Actor
		viewer copse.ID
		want   bool
	}{
		{"a colleague", here, 1, true}, {"somebody elsewhere", away, 1, false},
		{"a server", &copse.Actor{Type: copse.Application, Local: true}, 1, false}, {"to whom they reported", here, 7, false},
	} {
		if got := copse.NamesReporter(tt.who, tt.viewer, about); got != tt.want {
			t.Errorf("%s is named: %v", tt.name, got)
		}
	}
}

func TestReportsSayWhatIsWrongAndAreNotTooMany(t *testing.T) {
	for _, tt := range []struct {
		category copse.Category
		reason   string
		field    bool
	}{
		{copse.Spam, "", true}, {copse.Other, "It is a poem", true}, {copse.Other, " ", false}, {"", "It is a poem", false},
		{"nonsense", "x", false}, {copse.Abuse, strings.Repeat("ŵ", copse.MaxReport), true}, {copse.Abuse, strings.Repeat("ŵ", copse.MaxReport+1), false},
	} {
		if err := copse.CheckReport(tt.category, tt.reason); (err == nil) != tt.field {
			t.Errorf("CheckReport(%q, %.20q) = %v", tt.category, tt.reason, err)
		}
	}
	for _, tt := range []struct {
		already   int
		elsewhere bool
		want      bool
	}{
		{copse.ReportsByOne - 1, false, true}, {copse.ReportsByOne, false, false},
		{copse.ReportsByOne, true, true}, {copse.ReportsByPeer - 1, true, true}, {copse.ReportsByPeer, true, false},
	} {
		if err := copse.MayReportMore(tt.already, tt.elsewhere); (err == nil) != tt.want {
			t.Errorf("MayReportMore(%d, %v) = %v", tt.already, tt.elsewhere, err)
		}
	}
}

func TestServersAreToldOfReportsAsTheyUnderstand(t *testing.T) {
	for _, tt := range []struct {
		software, version string
		names, hears      bool
	}{
		{"copse", "1.2", false, true}, {"Lemmy", "0.19.11", true, false}, {"lemmy", "1.0.0", true, true},
		{"mastodon", "4.5.0", false, false}, {"piefed", "1.2", false, false}, {"", "", false, false},
	} {
		p := &copse.Peer{Software: tt.software, Version: tt.version}
		if p.NamesReporters() != tt.names || p.HearsOutcomes() != tt.hears {
			t.Errorf("%s %s: names reporters %v, hears outcomes %v", tt.software, tt.version, p.NamesReporters(), p.HearsOutcomes())
		}
	}
}
