package markup

import (
	"strings"
	"testing"
)

func TestMarkdownBecomesHTML(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "",
		"Croeso i'r tŷ":            "<p>Croeso i&#39;r tŷ</p>",
		"One\ntwo\n\nthree":        "<p>One<br/>\ntwo</p>\n<p>three</p>",
		"*a* **b** ~~c~~ `d < e`":  "<p><em>a</em> <strong>b</strong> <del>c</del> <code>d &lt; e</code></p>",
		"# One\n## Two\ntext":      "<h3>One</h3>\n<h4>Two</h4>\n<p>text</p>",
		"## Two\n### Three":        "<h3>Two</h3>\n<h4>Three</h4>",
		"Title\n=====":             "<h3>Title</h3>",
		"> quoted\n> twice":        "<blockquote>\n<p>quoted<br/>\ntwice</p>\n</blockquote>",
		"1. a\n2. b\n   - c":       "<ol>\n<li>a</li>\n<li>b\n<ul>\n<li>c</li>\n</ul>\n</li>\n</ol>",
		"3. a":                     "<ol start=\"3\">\n<li>a</li>\n</ol>",
		"- [x] dug\n- [ ] planted": "<ul>\n<li>☑ dug</li>\n<li>☐ planted</li>\n</ul>",
		"```go\na < b\n  c\n```":   "<pre><code>a &lt; b\n  c\n</code></pre>",
		"a\n\n---\n\nb":            "<p>a</p>\n<hr/>\n<p>b</p>",
		"| Site | Trees |\n|:--|--:|\n| York | 12 |": "<table>\n<thead>\n<tr>\n<th align=\"left\">Site</th>\n<th align=\"right\">Trees</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td align=\"left\">York</td>\n<td align=\"right\">12</td>\n</tr>\n</tbody>\n</table>",

		"[York](https://york.example/ \"City\")":                   `<p><a href="https://york.example/" title="City"` + ours + `>York</a></p>`,
		"[a]\n\n[a]: https://a.example/":                           `<p><a href="https://a.example/"` + ours + `>a</a></p>`,
		"see https://york.example/trees?a=1&b=2.":                  `<p>see <a href="https://york.example/trees?a=1&amp;b=2"` + ours + `>https://york.example/trees?a=1&amp;b=2</a>.</p>`,
		"bob@leeds.example":                                        `<p><a href="mailto:bob@leeds.example"` + ours + `>bob@leeds.example</a></p>`,
		"![An oak](https://york.example/oak.png)":                  `<p><a href="https://york.example/oak.png"` + ours + `>An oak</a></p>`,
		"[![An oak](https://a.example/o.png)](https://b.example/)": `<p><a href="https://b.example/"` + ours + `>An oak</a></p>`,

		// Tags are text.
		"use <b> & </b>":                 "<p>use &lt;b&gt; &amp; &lt;/b&gt;</p>",
		"<div>\n*a*\n</div>":             "<p>&lt;div&gt;<br/>\n<em>a</em><br/>\n&lt;/div&gt;</p>",
		"<script>alert(1)</script>":      "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>",
		"<!-- note -->":                  "<p>&lt;!-- note --&gt;</p>",
		"&lt;b&gt; &amp; &copy; \\<b\\>": "<p>&lt;b&gt; &amp; © &lt;b&gt;</p>",

		// Links that lead nowhere good.
		"[x](javascript:alert(1)) <javascript:alert(1)>":       "<p>x javascript:alert(1)</p>",
		"[x](/relative) [y](#part) [z](//a.example/)":          "<p>x y z</p>",
		"[x](data:text/html,y) ![z](data:image/png;base64,AA)": "<p>x z</p>",
		"a\u202eb\x00c": "<p>ab\ufffdc</p>",
	} {
		got := strings.TrimSuffix(HTML(in), "\n")
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
		check(t, got)
	}
}

func TestNothingInTheXSSCorpusSurvivesMarkdown(t *testing.T) {
	for _, in := range corpus {
		check(t, HTML(in))
		check(t, HTML("[x]("+in+") ![x]("+in+") `"+in+"` <"+in+"> > "+in))
	}
}

// Each of these would take goldmark alone from seconds to an hour.
func TestMarkdownIsBounded(t *testing.T) {
	const size = 256 << 10 // the longest content that is accepted
	for _, unit := range []string{
		">", "> ", "1. ", "- ", "[", "![", "[a](", "[](", "[a](<b", "*a_ ", "_a_ ", "**", "*_", "~", "[x]\n", "[a]: b\n", "`", "``a` ", "<", "<a", "a|b\n-|-\n", "|a",
	} {
		out := HTML(strings.Repeat(unit, size/len(unit)))
		if len(out) > 20*size {
			t.Errorf("%q repeated became %d bytes", unit, len(out))
		}
	}
	HTML("1. \\" + strings.Repeat("\\``\na(", size/6))
	wide := strings.Repeat("|a", 20000) + "\n" + strings.Repeat("|-", 20000) + "\n" + strings.Repeat("a\n", 80000)
	if out := HTML(wide); len(out) > 20*size {
		t.Errorf("a table became %d bytes", len(out))
	}
}

func TestMarkdownWithinItsBoundsIsAllMarkdown(t *testing.T) {
	for name, c := range map[string]struct {
		in, find string
		want     int
	}{
		"quotes":     {strings.Repeat("> ", 12) + "a", "<blockquote>", 12},
		"lists":      {strings.Repeat("- ", 12) + "a", "<li>", 12},
		"links":      {strings.Repeat("[a](https://a.example/) ", 200), "<a ", 200},
		"long lines": {strings.Repeat("**a** and `b` [c](https://a.example/) "+strings.Repeat("word ", 200)+"\n\n", 250), "<a ", 250},
		"paragraphs": {strings.Repeat("*a*\n\n", 2000), "<em>", 2000},
		"references": {"[a]\n\n" + strings.Repeat("[a]: https://a.example/\n", 100), "<a ", 1},
		"rows":       {"|a|b|c|\n|-|-|-|\n" + strings.Repeat("|*1*|2|3|\n", 5000), "<em>", 5000},
	} {
		if got := strings.Count(HTML(c.in), c.find); got != c.want {
			t.Errorf("%s: %d of %s, want %d", name, got, c.find, c.want)
		}
	}
}

func FuzzHTML(f *testing.F) {
	f.Add("# a\n- [x] b\n\n|c|d|\n|-|-|\n|e|f|\n")
	f.Add("[a](https://a.example/ \"b\") ![c](d) ~~e~~ <https://f.example/> `g`\n> h\n\n```\ni\n```")
	f.Fuzz(func(t *testing.T, in string) { check(t, HTML(in)) })
}
