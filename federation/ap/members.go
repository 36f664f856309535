package ap

// A member is one name in a JSON object and the field it stands for. What at
// points to decides how the value is read (reader.value) and written
// (appendValue): a type below that stands for a string is a way of reading one.
type member struct {
	name string
	at   func(*Object) any
}

type (
	firstText string  // a string, an object with an id, or the first of a list of either
	pageURL   string  // the address for people among strings and Links
	audience  Strings // written as one string if it is one
	picture   *Object // an Image, whose bare string is a URL and not an id
)

// members are in the order they are written in. Nothing writes to this list.
var members = []member{
	{"@context", func(o *Object) any { return &o.Context }},
	{"id", func(o *Object) any { return &o.ID }},
	{"type", func(o *Object) any { return &o.Type }},
	{"actor", func(o *Object) any { return &o.Actor }},
	{"attributedTo", func(o *Object) any { return &o.AttributedTo }},
	{"to", func(o *Object) any { return &o.To }},
	{"cc", func(o *Object) any { return &o.CC }},
	{"audience", func(o *Object) any { return (*audience)(&o.Audience) }},
	{"target", func(o *Object) any { return &o.Target }},
	{"origin", func(o *Object) any { return &o.Origin }},
	{"instrument", func(o *Object) any { return &o.Instrument }},
	{"result", func(o *Object) any { return &o.Result }},
	{"removeData", func(o *Object) any { return &o.RemoveData }},
	{"withReplies", func(o *Object) any { return &o.WithReplies }},
	{"expires", func(o *Object) any { return &o.Expires }},

	{"inReplyTo", func(o *Object) any { return (*firstText)(&o.InReplyTo) }},
	{"context", func(o *Object) any { return (*firstText)(&o.Thread) }},
	{"preferredUsername", func(o *Object) any { return &o.PreferredUsername }},
	{"webfinger", func(o *Object) any { return &o.Webfinger }},
	{"name", func(o *Object) any { return &o.Name }},
	{"summary", func(o *Object) any { return &o.Summary }},
	{"content", func(o *Object) any { return &o.Content }},
	{"contentMap", func(o *Object) any { return &o.ContentMap }},
	{"mediaType", func(o *Object) any { return &o.MediaType }},
	{"source", func(o *Object) any { return &o.Source }},
	{"url", func(o *Object) any { return (*pageURL)(&o.URL) }},
	{"href", func(o *Object) any { return (*firstText)(&o.Href) }},
	{"rel", func(o *Object) any { return (*firstText)(&o.Rel) }},
	{"value", func(o *Object) any { return &o.Value }},
	{"icon", func(o *Object) any { return (*picture)(&o.Icon) }},
	{"image", func(o *Object) any { return (*picture)(&o.Image) }},
	{"preview", func(o *Object) any { return &o.Preview }},
	{"attachment", func(o *Object) any { return &o.Attachment }},
	{"tag", func(o *Object) any { return &o.Tag }},
	{"replies", func(o *Object) any { return &o.Replies }},
	{"language", func(o *Object) any { return &o.Language }},
	{"sensitive", func(o *Object) any { return &o.Sensitive }},
	{"commentsEnabled", func(o *Object) any { return &o.CommentsEnabled }},
	{"stickied", func(o *Object) any { return &o.Stickied }},
	{"distinguished", func(o *Object) any { return &o.Distinguished }},
	{"startTime", func(o *Object) any { return &o.StartTime }},
	{"endTime", func(o *Object) any { return &o.EndTime }},
	{"location", func(o *Object) any { return &o.Location }},
	{"oneOf", func(o *Object) any { return &o.OneOf }},
	{"anyOf", func(o *Object) any { return &o.AnyOf }},
	{"closed", func(o *Object) any { return &o.Closed }},
	{"votersCount", func(o *Object) any { return &o.VotersCount }},
	{"published", func(o *Object) any { return &o.Published }},
	{"updated", func(o *Object) any { return &o.Updated }},
	{"deleted", func(o *Object) any { return &o.Deleted }},
	{"formerType", func(o *Object) any { return &o.FormerType }},

	{"inbox", func(o *Object) any { return (*firstText)(&o.Inbox) }},
	{"outbox", func(o *Object) any { return (*firstText)(&o.Outbox) }},
	{"followers", func(o *Object) any { return (*firstText)(&o.Followers) }},
	{"following", func(o *Object) any { return (*firstText)(&o.Following) }},
	{"featured", func(o *Object) any { return (*firstText)(&o.Featured) }},
	{"moderators", func(o *Object) any { return (*firstText)(&o.Moderators) }},
	{"endpoints", func(o *Object) any { return &o.Endpoints }},
	{"manuallyApprovesFollowers", func(o *Object) any { return &o.ManuallyApprovesFollowers }},
	{"postingRestrictedToMods", func(o *Object) any { return &o.PostingRestrictedToMods }},
	{"discoverable", func(o *Object) any { return &o.Discoverable }},
	{"indexable", func(o *Object) any { return &o.Indexable }},
	{"alsoKnownAs", func(o *Object) any { return &o.AlsoKnownAs }},
	{"movedTo", func(o *Object) any { return (*firstText)(&o.MovedTo) }},
	{"publicKey", func(o *Object) any { return &o.PublicKey }},
	{"assertionMethod", func(o *Object) any { return &o.AssertionMethod }},
	{"generator", func(o *Object) any { return &o.Generator }},
	{"implements", func(o *Object) any { return &o.Implements }},

	{"totalItems", func(o *Object) any { return &o.TotalItems }},
	{"items", func(o *Object) any { return &o.Items }},
	{"orderedItems", func(o *Object) any { return &o.OrderedItems }},
	{"first", func(o *Object) any { return &o.First }},
	{"last", func(o *Object) any { return (*firstText)(&o.Last) }},
	{"next", func(o *Object) any { return (*firstText)(&o.Next) }},
	{"prev", func(o *Object) any { return (*firstText)(&o.Prev) }},
	{"partOf", func(o *Object) any { return (*firstText)(&o.PartOf) }},

	{"copse:question", func(o *Object) any { return &o.Question }},
	{"copse:answer", func(o *Object) any { return (*firstText)(&o.Answer) }},
	{"copse:memberCount", func(o *Object) any { return &o.MemberCount }},
	{"copse:councilCount", func(o *Object) any { return &o.CouncilCount }},
	{"copse:jobTitle", func(o *Object) any { return &o.JobTitle }},
	{"copse:vouched", func(o *Object) any { return &o.Vouched }},
	{"copse:join", func(o *Object) any { return &o.Join }},
	{"copse:reason", func(o *Object) any { return &o.Reason }},
	{"copse:category", func(o *Object) any { return &o.Category }},
	{"copse:outcome", func(o *Object) any { return &o.Outcome }},
	{"copse:log", func(o *Object) any { return (*firstText)(&o.Log) }},
	{"copse:communities", func(o *Object) any { return &o.Communities }},

	// Last, so that whoever reads an activity by eye meets its own members first.
	// It stands for Objects too.
	{"object", func(o *Object) any { return &o.Object }},
	{"proof", func(o *Object) any { return &o.Proof }},
	{"signature", func(o *Object) any { return &o.Signature }},
}

// readOnly are members that peers put where copse does not: Discourse its sharedInbox
// at the top of an actor, Fedify and GoToSocial a key in a document of its own. What a
// post quotes has four names, of which most write several.
var readOnly = []member{
	{"sharedInbox", func(o *Object) any { return (*firstText)(&o.Endpoints.SharedInbox) }},
	{"owner", func(o *Object) any { return (*firstText)(&o.self.Owner) }},
	{"controller", func(o *Object) any { return (*firstText)(&o.self.Owner) }},
	{"publicKeyPem", func(o *Object) any { return &o.self.PEM }},
	{"publicKeyMultibase", func(o *Object) any { return &o.self.Multibase }},
	{"contextHistory", func(o *Object) any { return (*firstText)(&o.History) }},
	{"quote", func(o *Object) any { return (*firstText)(&o.Quote) }},
	{"quoteUrl", func(o *Object) any { return (*firstText)(&o.Quote) }},
	{"quoteUri", func(o *Object) any { return (*firstText)(&o.Quote) }},
	{"_misskey_quote", func(o *Object) any { return (*firstText)(&o.Quote) }},
}

var memberByName = func() map[string]func(*Object) any {
	all := make(map[string]func(*Object) any)
	for _, list := range [][]member{members, readOnly} {
		for _, m := range list {
			all[m.name] = m.at
		}
	}
	return all
}()
