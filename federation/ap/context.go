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

// SaidContext is ProofContext for an activity that has no actor in it. A proof
// repeats the context, and what is passed on has two proofs, so that it stands in
// every delivery four times: it leaves out what only actors have.
const SaidContext = `["https://www.w3.org/ns/activitystreams","https://w3id.org/security/data-integrity/v2",{` + said + `}]`

// QuoteContext is ActivityContext for what is about quotes (FEP-044f): what somebody
// may quote is fetched first, so that nothing else need explain these.
const QuoteContext = `["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1",` + extensions + `,{` +
	`"gts":"https://gotosocial.org/ns#",` +
	`"interactionPolicy":{"@id":"gts:interactionPolicy","@type":"@id"},` +
	`"canQuote":{"@id":"gts:canQuote","@type":"@id"},` +
	`"automaticApproval":{"@id":"gts:automaticApproval","@type":"@id"},` +
	`"interactingObject":{"@id":"gts:interactingObject","@type":"@id"},` +
	`"interactionTarget":{"@id":"gts:interactionTarget","@type":"@id"},` +
	`"QuoteRequest":"https://w3id.org/fep/044f#QuoteRequest",` +
	`"QuoteAuthorization":"https://w3id.org/fep/044f#QuoteAuthorization"}]`

const extensions = `{` + said + `,` + ofActors + `}`

const said = `"lemmy":"https://join-lemmy.org/ns#",` +
	`"toot":"http://joinmastodon.org/ns#",` +
	`"pt":"https://joinpeertube.org/ns#",` +
	`"litepub":"http://litepub.social/ns#",` +
	`"schema":"http://schema.org#",` +
	`"copse":"https://copse.example/ns#",` +
	`"removeData":"lemmy:removeData",` +
	`"withReplies":"lemmy:withReplies",` +
	`"expires":"as:endTime",` +
	`"distinguished":"lemmy:distinguished",` +
	`"stickied":"lemmy:stickied",` +
	`"Lock":"lemmy:Lock",` +
	`"commentsEnabled":"pt:commentsEnabled",` +
	`"sensitive":"as:sensitive",` +
	`"Hashtag":"as:Hashtag",` +
	`"votersCount":"toot:votersCount",` +
	`"ChatMessage":"litepub:ChatMessage",` +
	`"language":"schema:inLanguage",` +
	`"copse:answer":{"@type":"@id"}`

const ofActors = `"postingRestrictedToMods":"lemmy:postingRestrictedToMods",` +
	`"moderators":{"@id":"lemmy:moderators","@type":"@id"},` +
	`"manuallyApprovesFollowers":"as:manuallyApprovesFollowers",` +
	`"movedTo":{"@id":"as:movedTo","@type":"@id"},` +
	`"featured":{"@id":"toot:featured","@type":"@id"},` +
	`"discoverable":"toot:discoverable",` +
	`"indexable":"toot:indexable",` +
	`"PropertyValue":"schema:PropertyValue",` +
	`"value":"schema:value",` +
	`"webfinger":"https://purl.archive.org/socialweb/webfinger#webfinger",` +
	`"implements":{"@id":"https://w3id.org/fep/844e/implements","@type":"@id","@container":"@list"}`
