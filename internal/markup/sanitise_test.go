package markup

import (
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const ours = ` rel="nofollow noopener noreferrer ugc"`

func TestSanitizeKeepsWhatPeersMean(t *testing.T) {
	for in, want := range map[string]string{
		"":                 "",
		"plain text":       "plain text",
		"a &lt; b &amp; c": "a &lt; b &amp; c",
		"<p>Plannu coed: ŵyl y Tŷ Hŵyl, ysgol ŷd</p>": "<p>Plannu coed: ŵyl y Tŷ Hŵyl, ysgol ŷd</p>",
		`<p lang="cy">Croeso</p>`:                     `<p lang="cy">Croeso</p>`,
		"<p dir=\"rtl\">\u200fمرحبا</p>":              "<p dir=\"rtl\">\u200fمرحبا</p>",

		// Mastodon: a mention, a hashtag, a long address.
		`<p><span class="h-card" translate="no"><a href="https://york.example/c/trees" class="u-url mention">@<span>trees</span></a></span> hi</p>`:                                        `<p><span class="h-card" translate="no"><a href="https://york.example/c/trees" class="u-url mention"` + ours + `>@trees</a></span> hi</p>`,
		`<a href="https://m.example/tags/oak" class="mention hashtag" rel="tag">#<span>oak</span></a>`:                                                                                     `<a href="https://m.example/tags/oak" class="mention hashtag"` + ours + `>#oak</a>`,
		`<a href="https://a.example/long" target="_blank" rel="me"><span class="invisible">https://</span><span class="ellipsis">a.example/lo</span><span class="invisible">ng</span></a>`: `<a href="https://a.example/long"` + ours + `><span class="invisible">https://</span><span class="ellipsis">a.example/lo</span><span class="invisible">ng</span></a>`,

		// Headings move down together, and only as far as they must.
		"<h1>One</h1><h2>Two</h2><h3>Three</h3><h6>Six</h6>": "<h3>One</h3><h4>Two</h4><h5>Three</h5><h6>Six</h6>",
		"<h2>Two</h2><h3>Three</h3>":                         "<h3>Two</h3><h4>Three</h4>",
		"<h3>Three</h3><h5>Five</h5>":                        "<h3>Three</h3><h5>Five</h5>",

		// Images are a click away.
		`<img src="https://a.example/oak.png" alt="An oak">`:                     `<a href="https://a.example/oak.png"` + ours + `>An oak</a>`,
		`<img src="https://a.example/oak.png">`:                                  `<a href="https://a.example/oak.png"` + ours + `>image</a>`,
		`<img src="https://a.example/oak.png" alt=" ">`:                          `<a href="https://a.example/oak.png"` + ours + `>image</a>`,
		`<a href="https://b.example/"><img src="https://a.example/oak.png"></a>`: `<a href="https://b.example/"` + ours + `>image</a>`,
		`<img src="data:image/png;base64,AA" alt="dot">`:                         `dot`,
		`<p>a<img>b</img></p>`:                                                   `<p>ab</p>`,

		// Links lead to the web or to a mailbox, and say where.
		`<a href="mailto:bob@leeds.example">Bob</a>`:                            `<a href="mailto:bob@leeds.example"` + ours + `>Bob</a>`,
		`<a href="http://a.example/?q=1&amp;r=2#x" title="T">A</a>`:             `<a href="http://a.example/?q=1&amp;r=2#x" title="T"` + ours + `>A</a>`,
		`<a href="https://ŵyl.example/tŷ">Gŵyl</a>`:                             `<a href="https://%C5%B5yl.example/t%C5%B7"` + ours + `>Gŵyl</a>`,
		`<a href="/c/trees">relative</a> <a href="//a.example/">x</a>`:          `relative x`,
		`<a href="https://york.example@evil.example/">york.example</a>`:         `york.example`,
		`<a href="https://a.example/" href="https://b.example/">x</a>`:          `<a href="https://a.example/"` + ours + `>x</a>`,
		`<a href="https://a.example/"></a>`:                                     ``,
		`<a href="https://a.example/"><div><p>In</p></div></a>`:                 `<div><p><a href="https://a.example/"` + ours + `>In</a></p></div>`,
		`<a href="https://a.example/">1<a href="https://b.example/">2</a>3</a>`: `<a href="https://a.example/"` + ours + `>1</a><a href="https://b.example/"` + ours + `>2</a>3`,

		// Lists, tables and the rest of an article.
		`<ol start="3" type="a" reversed><li value="5">x</li></ol>`:                                                    `<ol start="3" type="a" reversed=""><li value="5">x</li></ol>`,
		`<table><tr><th scope="row" colspan="2">a<td align="right">1</table>`:                                          `<table><tbody><tr><th scope="row" colspan="2">a</th><td align="right">1</td></tr></tbody></table>`,
		`<dl><dt>Oak<dd>A tree</dl>`:                                                                                   `<dl><dt>Oak</dt><dd>A tree</dd></dl>`,
		`<ruby>漢<rp>(</rp><rt>kan<rp>)</ruby>`:                                                                         `<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>`,
		"<pre><code>a\n  b &lt; c</code></pre>":                                                                        "<pre><code>a\n  b &lt; c</code></pre>",
		`<details open><summary>More</summary>x</details>`:                                                             `<details><summary>More</summary>x</details>`,
		`<section><figure><img src="https://a.example/i" alt="Oak"><figcaption>An oak</figcaption></figure></section>`: `<div><div><a href="https://a.example/i"` + ours + `>Oak</a><div>An oak</div></div></div>`,
		`<strike>no</strike> <font color=red>red</font>`:                                                               `<s>no</s> red`,
		`a<br>b<hr>c`: `a<br/>b<hr/>c`,
	} {
		if got := Sanitize(in); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
		check(t, in)
	}
}

func TestSanitizeMendsWhatDoesNotNest(t *testing.T) {
	for in, want := range map[string]string{
		`</div></li></ul></body>x`:          `x`,
		`<div><p>x`:                         `<div><p>x</p></div>`,
		`<b><i>x</b>y</i>`:                  `<b><i>x</i></b>y`,
		`<p>a<div>b</div>c</p>`:             `<p>a</p><div>b</div>c`,
		`<p><b>a<p>c`:                       `<p><b>a</b></p><p>c</p>`,
		`<li>a<li>b`:                        `<ul><li>a</li><li>b</li></ul>`,
		`<ul>a<li>b</ul>`:                   `<ul><li>a</li><li>b</li></ul>`,
		`<ul><li>a<ul><li>b</ul><li>c</ul>`: `<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>`,
		`<td>x</table>y`:                    `<table><tbody><tr><td>x</td></tr></tbody></table>y`,
		`<table>x<tr><td>y`:                 `<table><tbody><tr><td>x</td></tr><tr><td>y</td></tr></tbody></table>`,
		`<table><td><table><tr></div>x`:     `<table><tbody><tr><td><table><tbody><tr><td>x</td></tr></tbody></table></td></tr></tbody></table>`,
		`<ul><li><table><td></li></ul>x`:    `<ul><li><table><tbody><tr><td>x</td></tr></tbody></table></li></ul>`,
		`<dd>x`:                             `<dl><dd>x</dd></dl>`,
		`<rt>x`:                             `<ruby><rt>x</rt></ruby>`,
		`<b></b><i> </i><em><p>x</p></em>`:  ` <p><em>x</em></p>`,
		`<h2>a<h3>b</h2>`:                   `<h3>a</h3><h4>b</h4>`,
		`<span class="mention"><span>x</span>y</span>z`: `<span class="mention">xy</span>z`,
		`<a>x</a>`:                             `x`,
		`</p></br><p/>x`:                       `<p>x</p>`,
		`<!-- c --><!DOCTYPE html><?php x ?>y`: `y`,
	} {
		if got := Sanitize(in); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
		check(t, in)
	}
}

func TestSanitizeLeavesNoHoldOnThePage(t *testing.T) {
	for in, want := range map[string]string{
		`<p style="position:fixed" id="login" name="cookie" class="admin-badge" onclick="x()">y</p>`:                  `<p>y</p>`,
		`<span class="admin-badge mention">y</span>`:                                                                  `<span class="mention">y</span>`,
		`<span class="invisible">unseen by moderators</span>`:                                                         `unseen by moderators`,
		`<a><span class="ellipsis">x</span></a>`:                                                                      `x`,
		`<a href="https://a.example/" target="_top" ping="https://b.example/" download>x</a>`:                         `<a href="https://a.example/"` + ours + `>x</a>`,
		`<form action="https://evil.example/"><input name="password"><button>Sign in</button>Text</form>`:             `Text`,
		`<svg><title>a</title><text>b</text></svg><math><mi>c</mi></math><template>d</template>e`:                     `e`,
		`<base href="https://evil.example/"><meta http-equiv="refresh" content="0"><link rel="stylesheet" href="x">y`: `y`,
		`<iframe src="https://evil.example/">a</iframe><object>b</object><embed src="x"><video>c</video>y`:            `y`,
		`<marquee><blink>y</blink></marquee>`:                                                                         `y`,
	} {
		if got := Sanitize(in); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
		check(t, in)
	}
}

func TestSanitizeRemovesCharactersThatMislead(t *testing.T) {
	for in, want := range map[string]string{
		"a\u202eb\u202cc &#x202E;d &#8238;e \u2066f\u2069": "abc d e f",
		"\ufeffa\x00b&#0;\x07\x1b\u0085\ufffe\U0001ffffc":  "ab\ufffdc",
		"a\xff\xc3b":                          "a\ufffdb",
		`<img alt="` + "\u202egnp.exe" + `">`: "gnp.exe",
		`<a href="https://a.example/?` + "\u202e" + `">x</a>`: "x",
		// What words and emoji need.
		"w\u0302 y\u0302 ŵ ŷ": "w\u0302 y\u0302 ŵ ŷ",
		"🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f 👩\u200d🌾 ❤\ufe0f": "🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f 👩\u200d🌾 ❤\ufe0f",
		"می\u200cخواهم \u200fא\u200e":                                                    "می\u200cخواهم \u200fא\u200e",
	} {
		if got := Sanitize(in); got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
		check(t, in)
	}
}

func TestNothingInTheXSSCorpusSurvives(t *testing.T) {
	for _, in := range corpus {
		check(t, in)
		check(t, "<p>"+in+"</p>")
		check(t, in+in)
		check(t, "<table><tr><td>"+in)
		check(t, strings.ToUpper(in))
	}
}

// What real servers sent, where a collection of it stands beside the module.
func TestSanitizeHoldsForWhatPeersSend(t *testing.T) {
	const samples = "../../../shared/fixtures"
	if _, err := os.Stat(samples); err != nil {
		t.Logf("no samples here: %v", err)
		return
	}
	checked := 0
	var texts func(any)
	texts = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, v := range v {
				if s, ok := v.(string); ok && (key == "content" || key == "summary" || key == "name") {
					check(t, s)
					checked++
				}
				texts(v)
			}
		case []any:
			for _, v := range v {
				texts(v)
			}
		}
	}
	err := filepath.WalkDir(samples, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		doc, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var v any
		if json.Unmarshal(doc, &v) == nil { // the rest is not JSON
			texts(v)
		}
		return nil
	})
	if err != nil || checked == 0 {
		t.Errorf("checked %d texts: %v", checked, err)
	}
}

func TestHostileNestingStaysSmall(t *testing.T) {
	const size = 256 << 10 // the longest content that is accepted
	for _, unit := range []string{
		"<div>", "<b>", "<ul><li>", "<table><tr><td>", "<a href=https://a.example/>", "<span>", "<span class=mention>", "<blockquote>",
		"<b><p>x", "<b lang=aa><i lang=bb><u><p>x", "</b>", "</div>", "<p>", "<rt>x", "<svg>", "<math>", "<template>", "<select>", "<!--", "<", "&", "&#", "<a ",
		"<img src=https://a.example/>", "<td>x", "<a><p>x", "<a href=https://a.example/><div>", "<p a=b c=d ", "<h1>x", "<dl><dd><dl>", "<plaintext>", "<title>",
	} {
		in := strings.Repeat(unit, size/len(unit))
		out := Sanitize(in)
		if len(out) > 20*len(in) {
			t.Errorf("%q repeated: %d bytes became %d", unit, len(in), len(out))
		}
		if again := Sanitize(out); again != out {
			t.Errorf("%q repeated: not the same again", unit)
		}
		Plain(in)
	}
	check(t, strings.Repeat("<div>", 10000)+"x"+strings.Repeat("</div>", 10000))
	check(t, "<p "+strings.Repeat("a=b ", 10000)+">x")
}

// check holds Sanitize(in) to everything it promises: a browser (x/net/html
// follows the same algorithm) reads it exactly as it is written, sees only what
// is allowed, and finds the page around it as it was.
func check(t *testing.T, in string) {
	t.Helper()
	out := Sanitize(in)
	if !utf8.ValidString(out) || clean(out) != out {
		t.Errorf("%q: left characters in %q", in, out)
	}
	if again := Sanitize(out); again != out {
		t.Errorf("%q: not the same again\n once %q\ntwice %q", in, out, again)
	}

	nodes, err := html.ParseFragment(strings.NewReader(out), &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div})
	if err != nil {
		t.Fatalf("%q: %v", in, err)
	}
	var read strings.Builder
	for _, n := range nodes {
		allowed(t, in, n)
		html.Render(&read, n)
	}
	if read, written := canonical(read.String()), canonical(out); read != written {
		t.Errorf("%q: written %q\n   read %q", in, written, read)
	}

	const before, after = `<html><head></head><body><main><ol><li><article><div id="text">`, `</div><p id="after">After</p></article></li></ol></main></body></html>`
	page, err := html.Parse(strings.NewReader("<!DOCTYPE html>" + before + out + after))
	if err != nil {
		t.Fatalf("%q: %v", in, err)
	}
	var whole strings.Builder
	html.Render(&whole, page)
	rest, began := strings.CutPrefix(whole.String(), "<!DOCTYPE html>"+before)
	if !began || !strings.HasSuffix(rest, after) {
		t.Errorf("%q: got out of its box: %s", in, whole.String())
	}
}

// canonical sorts attributes, as the parser does those of some elements, and
// takes away the line ends at the start of a pre: HTML drops one, and html's
// Render adds one.
func canonical(s string) string {
	var out strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	inPre := false
	for z.Next() != html.ErrorToken {
		token := z.Token()
		slices.SortFunc(token.Attr, func(a, b html.Attribute) int { return strings.Compare(a.Key, b.Key) })
		if inPre && token.Type == html.TextToken {
			token.Data = strings.TrimLeft(token.Data, "\n")
		}
		inPre = token.Type == html.StartTagToken && token.Data == "pre"
		out.WriteString(token.String())
	}
	return out.String()
}

func allowed(t *testing.T, in string, n *html.Node) {
	t.Helper()
	switch n.Type {
	case html.TextNode:
		return
	case html.ElementNode:
	default:
		t.Errorf("%q: a node of type %d: %q", in, n.Type, n.Data)
	}
	if _, ok := elements[n.Data]; !ok && n.Data != "br" && n.Data != "hr" || n.Namespace != "" {
		t.Errorf("%q: <%s>", in, n.Data)
	}
	for i, a := range n.Attr {
		on, ok := attributes[a.Key]
		if !ok || on != nil && !slices.Contains(on, n.Data) || a.Namespace != "" {
			t.Errorf("%q: <%s %s>", in, n.Data, a.Key)
		}
		if slices.ContainsFunc(n.Attr[:i], func(b html.Attribute) bool { return a.Key == b.Key }) {
			t.Errorf("%q: <%s> with two %s", in, n.Data, a.Key)
		}
		switch a.Key {
		case "href":
			u, err := url.Parse(a.Val)
			if err != nil || !slices.Contains([]string{"http", "https", "mailto"}, u.Scheme) || u.User != nil {
				t.Errorf("%q: a link to %q", in, a.Val)
			}
		case "rel":
			if a.Val != rel {
				t.Errorf("%q: rel=%q", in, a.Val)
			}
		case "class":
			for _, class := range strings.Fields(a.Val) {
				if _, ok := classes[class]; !ok {
					t.Errorf("%q: class %q", in, class)
				}
			}
		}
	}
	for c := range n.ChildNodes() {
		allowed(t, in, c)
	}
}

// attributes says which may be on which elements; nil is all.
var attributes = map[string][]string{
	"lang": nil, "dir": nil, "href": {"a"}, "rel": {"a"}, "title": {"a", "abbr"}, "class": {"a", "span"}, "translate": {"a", "span"},
	"start": {"ol"}, "type": {"ol"}, "reversed": {"ol"}, "value": {"li"},
	"colspan": {"td", "th"}, "rowspan": {"td", "th"}, "align": {"td", "th"}, "scope": {"th"},
}

func FuzzSanitize(f *testing.F) {
	for _, in := range corpus {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) { check(t, in) })
}

// FuzzNesting reads each byte as a tag or a piece of text, which finds more
// ways of putting elements into each other than bytes do.
func FuzzNesting(f *testing.F) {
	pieces := []string{"x", " ", "\n", "<br>", "<hr>", `<img src="https://a.example/" alt="x">`, `<a href="https://a.example/">`, "<a>", "<span>",
		`<span class="invisible">`, "</img>", "<h1>", "</h1>", "<h2>", "</h2>", "<section>", "</section>", "<button>", "</button>", "<svg>", "</svg>", "<col>", "<form>"}
	for name := range elements {
		pieces = append(pieces, "<"+name+">", "</"+name+">")
	}
	slices.Sort(pieces)
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		in := make([]byte, random.IntN(60))
		for i := range in {
			in[i] = byte(random.IntN(256))
		}
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var doc strings.Builder
		for _, b := range in {
			doc.WriteString(pieces[int(b)%len(pieces)])
		}
		check(t, doc.String())
	})
}

func BenchmarkSanitize(b *testing.B) {
	in := strings.Repeat(`<p><span class="h-card"><a href="https://york.example/c/trees" class="u-url mention">@<span>trees</span></a></span> Where may we plant <b>oaks</b> this winter?</p>`, 6)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		Sanitize(in)
	}
}

// corpus is of the families that OWASP's cheat sheet, DOMPurify's tests and the
// advisories on x/net/html, bluemonday and Mastodon describe.
var corpus = []string{
	// Script, plainly and hidden.
	`<script>alert(1)</script>`, `<SCRIPT SRC=https://evil.example/x.js></SCRIPT>`, `<script/x>alert(1)</script>`, `<<script>alert(1);//<</script>`,
	`<scr<script>ipt>alert(1)</scr</script>ipt>`, `<script>alert(1)`, `</script><script>alert(1)</script>`, `<script src="data:,alert(1)">`,
	`<scr` + "\x00" + `ipt>alert(1)</scr` + "\x00" + `ipt>`, `<ſcript>alert(1)</ſcript>`, `<scrİpt>alert(1)</scrİpt>`, `<script ` + "\x0c" + `>alert(1)</script>`,
	// Handlers.
	`<img src=x onerror=alert(1)>`, `<img """><script>alert(1)</script>">`, `<img src="x` + "`" + ` onerror=alert(1)">`, `<body onload=alert(1)>`,
	`<p onmouseover=alert(1)>x</p>`, `<a onclick=alert(1) href=https://a.example/>x</a>`, `<details ontoggle=alert(1) open>x</details>`, `<p/onclick=alert(1)>x`,
	`<input autofocus onfocus=alert(1)>`, `<video><source onerror=alert(1)></video>`, `<marquee onstart=alert(1)>x</marquee>`, `<svg/onload=alert(1)>`,
	`<a href="https://a.example/" title="x" onfocus=alert(1) x="">y</a>`, `<p lang="en" onclick="x">y`, `<p lang='en" onclick="alert(1)'>y`,
	// Addresses that run.
	`<a href="javascript:alert(1)">x</a>`, `<a href="JaVaScRiPt:alert(1)">x</a>`, `<a href=" javascript:alert(1)">x</a>`, `<a href="java&#x09;script:alert(1)">x</a>`,
	`<a href="java&#10;script:alert(1)">x</a>`, `<a href="&#106;avascript:alert(1)">x</a>`, `<a href="javascript&colon;alert(1)">x</a>`, `<a href="&#1;javascript:alert(1)">x</a>`,
	`<a href="vbscript:x">x</a>`, `<a href="data:text/html,<script>alert(1)</script>">x</a>`, `<a href="data:text/html;base64,PHNjcmlwdD4=">x</a>`,
	`<a href="blob:https://york.example/x">x</a>`, `<a href="file:///etc/passwd">x</a>`, `<a href="https:javascript:alert(1)">x</a>`, `<a href="//evil.example">x</a>`,
	`<a href="https://a.example/&quot;onclick=alert(1)">x</a>`, `<a href='https://a.example/"><script>alert(1)</script>'>x</a>`, `<a href="https://a.example\@evil.example/">x</a>`,
	`<img src="javascript:alert(1)">`, `<img src="data:image/svg+xml,<svg onload=alert(1)>">`, `<img dynsrc="javascript:x" lowsrc="javascript:x" srcset="https://evil.example/ 2x">`,
	`<table background="javascript:alert(1)"><td background="x">y`, `<blockquote cite="javascript:alert(1)">x</blockquote>`, `<form action="javascript:alert(1)"><button formaction="javascript:x">y`,
	`<iframe src="javascript:alert(1)"></iframe>`, `<iframe srcdoc="<script>alert(1)</script>">`, `<object data="javascript:alert(1)">`, `<embed src="javascript:alert(1)">`,
	`<base href="javascript:/">`, `<meta http-equiv="refresh" content="0;url=javascript:alert(1)">`, `<link rel="import" href="https://evil.example/">`, `<isindex action=javascript:alert(1)>`,
	// Style.
	`<style>@import "https://evil.example/";</style>`, `<p style="background:url(javascript:alert(1))">x</p>`, `<p style="x:expression(alert(1))">x</p>`, `<style><img src="</style><img src=x onerror=alert(1)>">`,
	// Mutation: what reads otherwise the second time.
	`<noscript><p title="</noscript><img src=x onerror=alert(1)>">`, `<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">`,
	`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`,
	`<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`, `<math><annotation-xml encoding="text/html"><style><img title="</style><img src onerror=alert(1)>">`,
	`<svg><foreignobject><p><style><!--</style><img src=x onerror=alert(1)>--></p></foreignobject></svg>`, `<svg><desc><p>x</p></desc></svg>`, `<svg><![CDATA[<img src=x onerror=alert(1)>]]></svg>`,
	`<title><a title="</title><img src=x onerror=alert(1)>">`, `<textarea><a title="</textarea><img src=x onerror=alert(1)>">`, `<xmp><a title="</xmp><img src=x onerror=alert(1)>">`,
	`<noembed><a title="</noembed><img src=x onerror=alert(1)>">`, `<noframes><a title="</noframes><img src=x onerror=alert(1)>">`, `<iframe><a title="</iframe><img src=x onerror=alert(1)>">`,
	`<select><template><style><!--</style><a rel="--></style></template></select><img src=x onerror=alert(1)>">`, `<template><script>alert(1)</script></template>`, `<plaintext><img src=x onerror=alert(1)>`,
	`<!--><img src=x onerror=alert(1)>-->`, `<!--[if IE]><script>alert(1)</script><![endif]-->`, `<!-- --!><img src=x onerror=alert(1)> -->`, `<!---><img src=x onerror=alert(1)>`, `<! foo="><script>alert(1)</script>">`,
	`<? foo="><script>alert(1)</script>">`, `</ foo="><script>alert(1)</script>">`, `<!DOCTYPE x "><script>alert(1)</script>">`, `<%<!--'%><script>alert(1);</script -->`,
	`<listing>&lt;img src=x onerror=alert(1)&gt;</listing>`, `<pre>` + "\n\n" + `<img src=x onerror=alert(1)></pre>`, `<p title="&lt;img src=x onerror=alert(1)&gt;">x</p>`, `&lt;script&gt;alert(1)&lt;/script&gt;`,
	`<abbr title="` + "`" + `&quot;&gt;&lt;script&gt;">x</abbr>`, `<image src=x onerror=alert(1)>`, `<a href=https://a.example/ title='"><img src=x onerror=alert(1)>'>x</a>`, `&#60;script&#62;`, `&lt&lt;`, `&amp;lt;`, `&notin; &ampx`,
	// Nesting that browsers mend in ways of their own.
	`<b><p><i></b></p>x</i>`, `<a href=https://a.example/><table><tr><td><a href=https://b.example/>x</table>y`, `<table><a href=https://a.example/>x<tr><td>y</table>`, `<table><table><tr><table>`,
	`<table><caption><table><td>x</caption>y`, `<ul><li><div><li><p><li>x`, `<dl><dt><p><dd><dl><dd>x`, `<p><table><p>x</table>y`, `<b><b><b><b><b>x</b></b></b></b></b>y`, `<button><p><button>x`, `<p><button><p>x`,
	`<nobr>a<nobr>b`, `<ruby>a<rt>b<rt>c<rp>d<ruby>e<rt>f`, `<h1><h2><h3>x`, `<pre><p>x</pre>`, `<summary><div>x`, `<tr><td>x</tr>y`, `<tbody>x`, `<caption>x<tr>y`, `<colgroup><col>x`, `<frameset><frame>`, `<body><html><head>x`,
	`<select><option>x<b>y</select>z`, `<optgroup>x`, `<object><p></object>x</p>`, `<applet><li></applet>x`, `<div></p></div></br>x`, `<a href=https://a.example/><ul><li>x</a>y`, `<span class=mention><p>x</span>y`,
	// Bytes.
	"\x00", "\xff\xfe<\x00s\x00c\x00r\x00i\x00p\x00t\x00>", "<p\x0btitle=x>y", "<a\u00a0href=x>y", "\u2028<p>\u2029", "<p>\r\n\r</p>&#13;", "&#xD800;&#x110000;&#x80;", "<\u202escript>", "\ufeff<p>x",
}
