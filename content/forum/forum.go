// Package forum is where a community talks: conversations and questions, which
// are both topics, and the replies to them and to anything else.
//
// This file says what they are and how they read on the wire. pages.go says which
// address shows what; list.go, topic.go, write.go and history.go are the pages,
// with their templates beside them, act.go is what buttons do, and show.go makes
// what is in the store into what a reader sees.
package forum

import (
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
// its title and a link; a reply is a Note.
var Mappings = []federation.Mapping{
	{Kind: Topic, Types: []string{"Page", "Note", "Article"}, Decode: titled},
	{Kind: Reply, Types: []string{"Note"}, Reply: true},
}

// titled gives a title to what came without one: what people write to a community
// from Mastodon, which knows none.
func titled(_ *ap.Object, o *copse.Object) error {
	if o.Title == "" {
		o.Title = markup.Title(o.HTML)
	}
	return nil
}
