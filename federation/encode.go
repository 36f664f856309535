package federation

import (
	"fmt"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

// Marshal returns act as peers receive it. What a peer sent is passed on exactly
// as it came, so that what its author signed stays signed.
func (s *Server) Marshal(tx *store.Tx, act *copse.Activity) ([]byte, error) {
	w, err := s.encode(tx, act)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", act.URI, err)
	}
	if inner := act.Inner; act.Type == "Announce" && inner != nil && inner.Raw == nil && inner.Actor.Local {
		raw, err := s.write(tx, inner, w.Object) // it is told from others by its own proof
		if err != nil {
			return nil, err
		}
		w.Object = &ap.Object{ID: inner.URI, Raw: raw}
	}
	b, err := s.write(tx, act, w)
	if err != nil && act.Inner != nil && act.Inner.Raw != nil {
		// It fills its limits to the brim, and does not fit into an announcement.
		return nil, copse.TooLarge("this is too large to be passed on")
	}
	return b, err
}

func (s *Server) encode(tx *store.Tx, act *copse.Activity) (*ap.Object, error) {
	if act.Raw != nil {
		return &ap.Object{ID: act.URI, Raw: act.Raw}, nil
	}
	if act.Message != nil {
		return s.encodeMessage(tx, act)
	}
	w := &ap.Object{ID: act.URI, Type: act.Type, Actor: ap.RefsTo(act.Actor.URI), Published: act.Published}
	var err error
	switch act.Type {
	case "Follow":
		w.To, w.Object, w.Reason = ap.Strings{act.Subject.URI}, ap.Ref(act.Subject.URI), act.Reason
	case "Accept", "Reject":
		if act.Inner.Type == "QuoteRequest" {
			encodeQuoteAnswer(w, act)
			break
		}
		// Lemmy reads the Follow as a whole and refuses an id in its place.
		w.To, w.Content = ap.Strings{act.Inner.Actor.URI}, act.Reason
		if act.Actor.Type == copse.Person { // whose community answers
			w.To = ap.Strings{act.Inner.Subject.URI}
		}
		w.Object = &ap.Object{
			ID: act.Inner.URI, Type: "Follow", Actor: ap.RefsTo(act.Inner.Actor.URI),
			To: ap.Strings{act.Inner.Subject.URI}, Object: ap.Ref(act.Inner.Subject.URI),
		}
	case "Announce":
		if act.Inner == nil { // by its address, for microblogs
			share(w, act)
			break
		}
		address(w, act.Community, act.Inner.Object)
		if act.Inner.Type == "Follow" {
			w.To, w.CC, w.Audience = ap.Strings{moderators(act.Community.URI)}, ap.Strings{}, nil
		}
		w.Object, err = s.encode(tx, act.Inner)
	case "Undo":
		if act.Inner.Inner != nil {
			w.To, w.CC = ap.Strings{moderators(act.Community.URI)}, ap.Strings{}
			w.Object, err = s.encode(tx, act.Inner)
			break
		}
		switch act.Inner.Type {
		case "Follow":
			w.To = ap.Strings{act.Inner.Subject.URI}
		case "Announce":
			share(w, act.Inner)
		default:
			address(w, act.Community, act.Inner.Object)
		}
		w.Summary = act.Reason
		w.Object, err = s.encode(tx, act.Inner)
	case "Create":
		address(w, act.Community, act.Object)
		w.Object, err = s.encodeObject(tx, act.Object)
	case "Update":
		if act.Community == nil {
			return s.encodeProfile(tx, w, act.Subject)
		}
		address(w, act.Community, act.Object)
		switch {
		case act.Subject == nil:
			w.Object, err = s.encodeObject(tx, act.Object)
		case !act.Community.Local:
			w.Object = describing(act.Community)
		case act.Community.PublicKey == "": // nobody elsewhere has seen it yet
			w.Object = ap.Ref(act.Subject.URI)
		default:
			w.Object = s.encodeCommunity(act.Community)
		}
	case "Delete", "Lock":
		// To Lemmy a summary is what makes a Delete a removal by the community.
		address(w, act.Community, act.Object)
		w.Object, w.Summary = ap.Ref(act.Object.URI), act.Reason
	case "Block":
		address(w, act.Community, nil)
		w.Object, w.Target, w.Summary = ap.Ref(act.Subject.URI), ap.Ref(act.Community.URI), act.Reason
		w.EndTime, w.Expires, w.RemoveData = act.Until, act.Until, act.RemoveData
	case "Add", "Remove":
		address(w, act.Community, act.Object)
		if act.Object != nil {
			w.Object, w.Target = ap.Ref(act.Object.URI), ap.Ref(featured(act.Community))
			break
		}
		w.Object, w.Target = ap.Ref(act.Subject.URI), ap.Ref(moderators(act.Community.URI))
	case "Like":
		address(w, act.Community, act.Object)
		w.Object = ap.Ref(act.Object.URI)
	case "Move":
		w.To = ap.Strings{act.Actor.URI + "/followers", act.Subject.URI}
		w.Object, w.Target, w.Communities = ap.Ref(act.Actor.URI), ap.Ref(act.Subject.URI), act.Offers
	case "Flag":
		encodeFlag(w, act)
	case "Resolve":
		w.To, w.Audience = ap.Strings{act.Community.URI}, ap.Strings{act.Community.URI}
		w.Content, w.Outcome = act.Reason, string(act.Outcome)
		w.Object, err = s.encode(tx, act.Inner)
	default:
		err = fmt.Errorf("no way to write a %s", act.Type)
	}
	return w, err
}

// describing is all that a facilitator at another server may say of a community.
func describing(c *copse.Community) *ap.Object {
	return &ap.Object{
		ID: c.URI, Type: string(copse.Group), Name: c.Title, Summary: c.Summary,
		Source: &ap.Object{Content: c.Source, MediaType: "text/markdown"},
	}
}

// moderators is the collection of those who look after a community. It is there at
// every program that has one.
func moderators(community string) string { return community + "/moderators" }

// featured is the collection of the topics that stand first in a community: its
// home says which (Mbin's is not where everybody's is).
func featured(c *copse.Community) string {
	if c.Local || c.Featured == "" {
		return c.URI + "/featured"
	}
	return c.Featured
}

// encodeProfile writes that a person here has changed how they are described.
func (s *Server) encodeProfile(tx *store.Tx, w *ap.Object, person *copse.Actor) (_ *ap.Object, err error) {
	w.To, w.CC = ap.Strings{ap.Public}, ap.Strings{person.URI + "/followers"}
	if person.PublicKey == "" { // nobody elsewhere has seen it yet
		w.Object = ap.Ref(person.URI)
		return w, nil
	}
	w.Object = s.encodeActor(person)
	w.Object.Vouched, err = tx.Vouched(person.ID)
	return w, err
}

// address says who gets w, which is about o, if that is not nil: the community,
// and everybody or its members. Lemmy requires both to and cc.
func address(w *ap.Object, c *copse.Community, o *copse.Object) {
	audience := c.Audience
	if o != nil && o.Audience != "" {
		audience = o.Audience // it was written for members, and the community has opened since
	}
	w.Audience = ap.Strings{c.URI}
	w.To = ap.Strings{c.URI, everybody(c.URI, audience)}
	w.CC = ap.Strings{}
	if w.Type == "Announce" {
		w.CC = ap.Strings{c.URI + "/followers"}
	}
}

// share writes that the community of act, an announcement, shows its followers
// something, as people do on microblogs.
func share(w *ap.Object, act *copse.Activity) {
	w.To, w.CC = ap.Strings{ap.Public}, ap.Strings{act.Community.URI + "/followers"}
	w.Object = ap.Ref(act.Object.URI)
}

// everybody returns the address of those who may see what is written for an
// audience. Receivers refuse Public in a community that is not.
func everybody(community string, audience copse.Audience) string {
	if audience == copse.Public {
		return ap.Public
	}
	return community + "/followers"
}

// encodeObject writes what all kinds share, and then what o's kind adds.
func (s *Server) encodeObject(tx *store.Tx, o *copse.Object) (*ap.Object, error) {
	m, ok := s.Mappings.kind(o.Kind)
	if !ok {
		return nil, fmt.Errorf("no mapping for kind %q", o.Kind)
	}
	author, err := tx.Actor(o.Author)
	if err != nil {
		return nil, err
	}
	community, err := tx.Community(o.Community)
	if err != nil {
		return nil, err
	}
	if !o.Deleted.IsZero() {
		return &ap.Object{ID: o.URI, Type: "Tombstone", FormerType: m.Types[0], Deleted: o.Deleted}, nil
	}
	w := &ap.Object{
		ID: o.URI, Type: m.Types[0], AttributedTo: ap.RefsTo(author.URI),
		Audience: ap.Strings{community.URI},
		To:       ap.Strings{community.URI, everybody(community.URI, o.Audience)}, CC: ap.Strings{},
		Name: o.Title, Content: o.HTML, MediaType: "text/html", URL: o.URI,
		Published: o.Published, Updated: o.Edited, StartTime: o.Starts, EndTime: o.Ends,
		Question: o.Question,
		// Mastodon's replies reach the community only if it is named here.
		Tag: []ap.Object{mention(&community.Actor)},
	}
	if o.Source != "" {
		w.Source = &ap.Object{Content: o.Source, MediaType: "text/markdown"}
	}
	if o.Language != "" {
		w.Language = []ap.Language{{Identifier: o.Language, Name: languageName(o.Language)}}
		w.ContentMap = map[string]string{o.Language: o.HTML}
	}
	if o.TopLevel() && o.Local {
		w.Thread, w.Replies = contextOf(o), ap.Ref(o.URI+"/replies")
	}
	if err := s.encodeLinks(tx, o, w); err != nil {
		return nil, err
	}
	if err := encodeRulings(tx, o, w); err != nil {
		return nil, err
	}
	if m.Encode != nil {
		m.Encode(o, w)
	}
	return w, nil
}

// encodeLinks writes what o points to: what it answers, and the answer it took.
func (s *Server) encodeLinks(tx *store.Tx, o *copse.Object, w *ap.Object) error {
	if o.Parent != 0 {
		parent, err := tx.Object(o.Parent)
		if err != nil {
			return err
		}
		author, err := tx.Actor(parent.Author)
		if err != nil {
			return err
		}
		w.InReplyTo = parent.URI
		root := parent
		if !parent.TopLevel() {
			if root, err = tx.Object(parent.Root); err != nil {
				return err
			}
		}
		if w.Thread = o.Conversation; root.Local {
			w.Thread = contextOf(root)
		}
		w.CC = append(w.CC, author.URI)
		w.Tag = append(w.Tag, mention(author))
	}
	if o.Answer != 0 {
		answer, err := tx.Object(o.Answer)
		if err != nil {
			return err
		}
		w.Answer = answer.URI
	}
	return nil
}

// contextOf is where the conversation that o starts is listed. Replies name the
// same one (FEP-7888).
func contextOf(o *copse.Object) string { return o.URI + "/context" }

// encodeRulings writes what facilitators decided about a topic.
func encodeRulings(tx *store.Tx, o *copse.Object, w *ap.Object) error {
	if !o.TopLevel() {
		return nil
	}
	lock, err := tx.Lock(o.ID)
	if lock != nil {
		no := false
		w.CommentsEnabled = &no
	}
	if err != nil {
		return err
	}
	pinned, err := tx.IsPinned(o.ID)
	if pinned {
		w.Stickied = &pinned
	}
	return err
}

func mention(a *copse.Actor) ap.Object {
	return ap.Object{Type: "Mention", Href: a.URI, Name: "@" + a.Handle()}
}

func languageName(tag string) string {
	switch tag {
	case "cy":
		return "Cymraeg"
	case "en":
		return "English"
	}
	return tag
}

// encodeActor writes what people, communities and servers share.
func (s *Server) encodeActor(a *copse.Actor) *ap.Object {
	yes, no := true, false
	w := &ap.Object{
		ID: a.URI, Type: string(a.Type), PreferredUsername: a.Name, Webfinger: a.Handle(),
		Name: a.Title, Summary: a.Summary, URL: a.URI, JobTitle: a.JobTitle,
		Inbox: a.Inbox, Outbox: a.URI + "/outbox", Followers: a.URI + "/followers", Following: a.URI + "/following",
		Endpoints: ap.Endpoints{SharedInbox: s.Base + "/inbox"}, Published: a.Created,
		ManuallyApprovesFollowers: &no, Discoverable: &yes, Indexable: &no,
		PublicKey:   []ap.Key{{ID: a.KeyID, Owner: a.URI, PEM: a.PublicKey}},
		Generator:   &ap.Object{Type: "Application", Implements: implemented()},
		AlsoKnownAs: a.AlsoKnownAs, MovedTo: a.MovedTo,
	}
	for _, k := range a.Multikeys {
		w.AssertionMethod = append(w.AssertionMethod, ap.Key{ID: k.ID, Owner: a.URI, Multibase: k.Key})
	}
	if a.Source != "" {
		w.Source = &ap.Object{Content: a.Source, MediaType: "text/markdown"}
	}
	return w
}

func (s *Server) encodeCommunity(c *copse.Community) *ap.Object {
	w := s.encodeActor(&c.Actor)
	closed := c.Audience != copse.Public
	restricted := c.Posting > copse.Member
	w.Following = ""
	// A string, never a list: Lemmy reads the moderators from where it points.
	w.AttributedTo, w.Moderators = ap.RefsTo(moderators(c.URI)), moderators(c.URI)
	w.Featured, w.Log = featured(c), logOf(c.URI)
	w.ManuallyApprovesFollowers, w.PostingRestrictedToMods = &closed, &restricted
	w.Join, w.MemberCount, w.CouncilCount = string(c.Join), c.Members, c.Councils
	w.Indexable = w.Discoverable
	if closed {
		no := false
		w.Indexable = &no
	}
	return w
}
