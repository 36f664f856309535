package ap

// ActivityContext is the "@context" of what copse sends. ActivityStreams comes
// first, as a plain string, since Discourse and others look for just that. The
// map declares every extension that is written, as Fedify and Friendica drop what
// is not declared.
const ActivityContext = `["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1",` + extensions + `]`

// ProofContext is the same for a document with a Proof or an AssertionMethod
// (FEP-8b32, FEP-521a).
const ProofContext = `["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1",` +
	`"https://w3id.org/security/data-integrity/v2","https://w3id.org/security/multikey/v1",` + extensions + `]`

const extensions = `{` +
	`"lemmy":"https://join-lemmy.org/ns#",` +
	`"toot":"http://joinmastodon.org/ns#",` +
	`"pt":"https://joinpeertube.org/ns#",` +
	`"litepub":"http://litepub.social/ns#",` +
	`"schema":"http://schema.org#",` +
	`"copse":"https://copse.example/ns#",` +
	`"postingRestrictedToMods":"lemmy:postingRestrictedToMods",` +
	`"moderators":{"@id":"lemmy:moderators","@type":"@id"},` +
	`"removeData":"lemmy:removeData",` +
	`"withReplies":"lemmy:withReplies",` +
	`"expires":"as:endTime",` +
	`"distinguished":"lemmy:distinguished",` +
	`"stickied":"lemmy:stickied",` +
	`"Lock":"lemmy:Lock",` +
	`"commentsEnabled":"pt:commentsEnabled",` +
	`"sensitive":"as:sensitive",` +
	`"manuallyApprovesFollowers":"as:manuallyApprovesFollowers",` +
	`"movedTo":{"@id":"as:movedTo","@type":"@id"},` +
	`"Hashtag":"as:Hashtag",` +
	`"featured":{"@id":"toot:featured","@type":"@id"},` +
	`"discoverable":"toot:discoverable",` +
	`"indexable":"toot:indexable",` +
	`"votersCount":"toot:votersCount",` +
	`"ChatMessage":"litepub:ChatMessage",` +
	`"PropertyValue":"schema:PropertyValue",` +
	`"value":"schema:value",` +
	`"language":"schema:inLanguage",` +
	`"webfinger":"https://purl.archive.org/socialweb/webfinger#webfinger",` +
	`"implements":{"@id":"https://w3id.org/fep/844e/implements","@type":"@id","@container":"@list"},` +
	`"copse:answer":{"@type":"@id"}}`
