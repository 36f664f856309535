// Package markup turns what people write into HTML that is safe wherever it is
// shown: a page, a feed, a mail, a client, a peer. What is written here is
// Markdown; what peers send is HTML; both end in Sanitize, once, on the way in,
// and what is stored is its result. Nothing downstream sanitises again.
//
// It works on the body of a post and knows nothing of what is posted where:
// mentions and hashtags are found and linked by those who can look them up.
package markup

import (
	"bytes"
	"html"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	renderhtml "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// HTML renders GitHub's Markdown (tables, strikethrough, bare links, task
// lists) and sanitises the result. It cannot fail: everything is Markdown.
//
// What is typed is what is shown. HTML tags are text like any other, so that a
// person who writes <b> sees <b> and loses nothing; and a new line is a new
// line, as in a mail, where Markdown proper would join the two.
func HTML(markdown string) string {
	var out bytes.Buffer
	if err := converter.Convert([]byte(markdown), &out); err != nil {
		// A Buffer does not fail, and goldmark fails only when that does.
		return Sanitize("<p>" + html.EscapeString(markdown) + "</p>")
	}
	return Sanitize(out.String())
}

// converter never changes once built, and may be used from many goroutines. Its
// parts are goldmark's defaults and its extensions for GFM, in goldmark's order,
// but for the two that parse HTML; some are bounded.
var converter = goldmark.New(
	goldmark.WithParser(parser.NewParser(
		parser.WithBlockParsers(
			util.Prioritized(parser.NewSetextHeadingParser(), 100),
			util.Prioritized(parser.NewThematicBreakParser(), 200),
			util.Prioritized(shallow{parser.NewListParser()}, 300),
			util.Prioritized(parser.NewListItemParser(), 400),
			util.Prioritized(parser.NewCodeBlockParser(), 500),
			util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
			util.Prioritized(shallow{parser.NewBlockquoteParser()}, 800),
			util.Prioritized(parser.NewParagraphParser(), 1000),
		),
		parser.WithInlineParsers(
			util.Prioritized(extension.NewTaskCheckBoxParser(), 0),
			util.Prioritized(counted{parser.NewCodeSpanParser()}, 100),
			util.Prioritized(counted{parser.NewLinkParser()}, 200),
			util.Prioritized(parser.NewAutoLinkParser(), 300),
			util.Prioritized(counted{parser.NewEmphasisParser()}, 500),
			util.Prioritized(counted{extension.NewStrikethroughParser()}, 500),
			util.Prioritized(extension.NewLinkifyParser(), 999),
		),
		parser.WithParagraphTransformers(
			util.Prioritized(brief{parser.LinkReferenceParagraphTransformer}, 100),
			util.Prioritized(full{extension.NewTableParagraphTransformer()}, 200),
		),
		parser.WithASTTransformers(
			util.Prioritized(extension.NewTableASTTransformer(), 0),
		),
	)),
	goldmark.WithRendererOptions(
		renderhtml.WithHardWraps(),
		renderer.WithNodeRenderers(
			util.Prioritized(taskBoxes{}, 500),
			util.Prioritized(extension.NewStrikethroughHTMLRenderer(), 500),
			// The attribute, because a style would be refused by the page's policy.
			util.Prioritized(extension.NewTableHTMLRenderer(
				extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)), 500),
		),
	),
)

// taskBoxes draws the boxes of a task list as characters: a form field that
// cannot be filled in is noise to a screen reader, and no peer shows one.
type taskBoxes struct{}

func (taskBoxes) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(extast.KindTaskCheckBox, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		box := "☐ "
		if n.(*extast.TaskCheckBox).IsChecked {
			box = "☑ "
		}
		_, err := w.WriteString(box)
		return ast.WalkContinue, err
	})
}
