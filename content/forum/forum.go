// Package forum is where a community talks: conversations and questions, which
// are both topics, and the replies to them and to anything else.
//
// This file says what they are and how they read on the wire. pages.go says which
// address shows what; list.go, topic.go, write.go and history.go are the pages,
// with their templates beside them, act.go is what buttons do, and show.go makes
// what is in the store into what a reader sees.
package forum

import (
	"cmp"
	"html"
	"slices"
	"strings"

	"copse/copse"
	"copse/federation"
	"copse/federation/ap"
	"copse/internal/markup"
)

// The names of the kinds.
const (
	Topic = "topic" // starts a conversation; a question if it asks to be answered
	Reply = "reply" // answers a topic, another reply or an object of any other kind
)

// Kinds are what a forum is made of.
var Kinds = []copse.Kind{
	{Name: Topic, Check: checkTopic},
	{Name: Reply, Reply: true, Check: checkReply},
}

// A topic that answered something would be shown nowhere: threads are made of
// replies.
func checkTopic(o *copse.Object) error {
	if o.Parent != 0 {
		return copse.Invalid("", "a conversation cannot answer another one; reply to it")
	}
	return nil
}

func checkReply(o *copse.Object) error {
	if o.Parent == 0 {
		return copse.Invalid("", "a reply has to answer something")
	}
	return nil
}

// Mappings carry them as the rest of the field does. A topic is a Page, which is
// what Lemmy, PieFed, Mbin and NodeBB make their threads of and Mastodon shows by
// its title and a link; a reply is a Note. What this server has no kind for can be
// talked about all the same.
var Mappings = []federation.Mapping{
	{Kind: Topic, Types: []string{"Page", "Note", "Article"}},
	{Kind: Reply, Types: []string{"Note"}, Reply: true},
	{Kind: Topic, Rest: true, Decode: outline},
}

// outline adds to a topic what can be said in words of a poll (its options), of
// something that takes place (when and where) and of anything else, and where the
// whole of it is.
func outline(w *ap.Object, o *copse.Object) error {
	var more strings.Builder
	if when := w.StartTime; !when.IsZero() {
		line := when.Format("2006-01-02 15:04 -07:00")
		if w.Location != nil && w.Location.Name != "" {
			line += ", " + w.Location.Name
		}
		more.WriteString("<p>" + html.EscapeString(line) + "</p>")
	}
	if options := append(slices.Clone(w.OneOf), w.AnyOf...); len(options) > 0 {
		more.WriteString("<ul>")
		for _, option := range options {
			more.WriteString("<li>" + html.EscapeString(option.Name) + "</li>")
		}
		more.WriteString("</ul>")
	}
	more.WriteString(federation.Link(cmp.Or(w.URL, w.ID), ""))
	o.HTML += markup.Sanitize(more.String())
	return nil
}
