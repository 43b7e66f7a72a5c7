//go:build e2e

package chat

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

const hostile = `<script>alert(1)</script> <img src=x onerror=alert(2)>

<svg onload=alert(3)><iframe srcdoc="<script>alert(4)</script>"></iframe>

[click](javascript:alert(5)) [click](data:text/html,<script>alert(6)</script>) [click]( JaVaScRiPt:alert(7))
![picture](http://example.com/x.png) [a"onmouseover="alert(8)](http://example.com/"onmouseover="alert(9))
<a href="javascript:alert(10)">x</a> [rel](//example.com) [rel](/-/admin)

| <img src=x onerror=alert(11)> | b |
|---|---|
| <script>alert(12)</script> | [x](vbscript:x) |

` + "```<img src=x onerror=alert(13)>\n</code></pre><script>alert(14)</script>\n```\n`<script>alert(15)</script>`"

func TestHostileOutputIsInert(t *testing.T) {
	s := newService(t, think("<img src=x onerror=alert(0)>", hostile))
	b := open(t, s.URL, "en-US")
	b.write("<img src=x onerror=alert(16)>")
	b.awaitText(".answer", "<script>alert(15)</script>")
	b.idle()
	bad := `document.querySelectorAll('#messages :is(script, img, svg, iframe, object, embed, style, link, form, input)').length`
	if n := evaluate[int](b, bad); n != 0 {
		t.Errorf("%d elements came out of the text", n)
	}
	handlers := `[...document.querySelectorAll('#messages *')].flatMap((n) => n.getAttributeNames()).filter((a) => a.startsWith('on') || a === 'style').join()`
	if found := evaluate[string](b, handlers); found != "" {
		t.Errorf("attributes came out of the text: %s", found)
	}
	links := evaluate[[]string](b, `[...document.querySelectorAll('#messages a')].map((a) => a.protocol + ' ' + a.rel)`)
	for _, link := range links {
		if link != "http: noopener noreferrer" {
			t.Errorf("a link is %q", link)
		}
	}
}

func TestHostileLengthDoesNotHangThePage(t *testing.T) {
	const n = 20000
	texts := []string{
		strings.Repeat("*", n) + "a", strings.Repeat("**a ", n), strings.Repeat("[", n), strings.Repeat("![a](", n),
		strings.Repeat("`", n) + " ", strings.Repeat("> ", n), strings.Repeat("- ", n), "# " + strings.Repeat(" #", n) + "x",
		strings.Repeat("|a", n) + "\n" + strings.Repeat("|-", n), "```" + strings.Repeat(" ", n) + "`", strings.Repeat("_a_", n),
		"- a\n" + strings.Repeat("  ", n) + "- b", strings.Repeat("http://", n),
	}
	var turns []turn
	for _, text := range texts {
		turns = append(turns, say(text, "\n\nend."))
	}
	s := newService(t, turns...)
	b := open(t, s.URL, "en-US")
	for range texts {
		b.write("Hi")
		b.await(`document.querySelector('.answer')?.textContent.includes('end.')`) // no longer than patience
		b.idle()
		b.click("#new")
	}
}

// TestTheWorkGrowsAsTheTextDoes: an expression that backtracks takes 64 times as long
// for a text eight times as long. A ratio holds on a slow machine, too.
func TestTheWorkGrowsAsTheTextDoes(t *testing.T) {
	b := open(t, newService(t).URL, "en-US")
	const measure = `(async () => {
		const { parse } = await import('/ui/blocks.js');
		const { show } = await import('/ui/markdown.js');
		const best = (work) => Math.min(...[1, 2, 3, 4, 5].map(() => {
			const start = performance.now();
			work();
			return performance.now() - start;
		}));
		const time = (text) => best(() => {
			parse(text.split('\n'));
			show(document.createElement('div'), text);
		});
		const [before, piece, after, n] = %s;
		const of = (n) => before + piece.repeat(n) + after;
		return time(of(8 * n)) / Math.max(time(of(n)), 10);
	})()`
	const n = 5000
	for _, text := range []struct {
		before, piece, after string
		n                    int
	}{
		{"a|b\n|-", " ", "x", n}, {"a|b\n-", " ", "x", n}, {"a|b\n", " ", "x", n}, {"a|b\n|-", "\t", "|x", n}, {"a|b\n", "|-", "x", n}, {"a|b\n:-", "-", ":x", n},
		{"*", " ", "x", n}, {"- ", "- ", "x", n}, {"_", " _", "x", n}, {"# ", " #", "x", n}, {"```", " ", "`", n}, {"~~~\na\n~~~", " ", "x", n}, {"1. ", " ", "x", n}, {"> ", "> ", "x", n},
		{"", "` a", "", n / 2}, {"` ", "a", "b`", n}, {"", "*", "x", n}, {"", "**a ", "", n / 10}, {"", "[a](", "", n / 4}, {"", "\\*", "", n / 2}, {"", "|", "\n|-", n}, {"", "http://", "", n / 7},
	} {
		given, err := json.Marshal([]any{text.before, text.piece, text.after, text.n})
		if err != nil {
			t.Fatal(err)
		}
		growth, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](fmt.Sprintf(measure, given), chromedp.EvalAwaitPromise))
		if err != nil || growth > 30 {
			t.Errorf("eight times as many of %s take %.1f times as long: %v", given, growth, err)
		}
	}
}

const sample = "### A heading\n\nText with **bold**, *italic*, `code` and [a link](https://example.com/a_(b)).\n" +
	"5 * 3 * 2 and snake_case_name stay.\n\n" +
	"1. First\n   - nested\n   - more\n2. Second\n\n   ```go\n   fmt.Println(\"你好\")\n   ```\n3. Third\n\n" +
	"> A quotation\n> of two lines\n\n```python\ndef f(x):\n    return x * 2  # a long comment that needs to be scrolled because it does not fit\n```\n\n" +
	"| Name | Size |\n|:--|--:|\n| qwen3 | 8 B |\n| a\\|b | `x` |\n\n---\nSee https://example.com/x, or mail [me](mailto:a@example.com). **中文加粗**文字。"

func TestMarkdownIsShown(t *testing.T) {
	s := newService(t, think("Let me see.", sample), say("Sure."))
	b := open(t, s.URL, "en-US")
	b.write("Show me everything you can")
	b.awaitText(".answer", "中文加粗")
	b.idle()
	for selector, want := range map[string]string{
		"h5": "A heading", "strong": "bold", "em": "italic", "p > code": "code", "ol > li > ul > li": "nested",
		"ol li:nth-child(2) .code code": `fmt.Println("你好")`, "ol > li:nth-child(3)": "Third", "blockquote": "of two lines",
		"> .code .bar span": "python", "td": "qwen3", "tr:nth-child(2) td": "a|b", "p:last-child strong": "中文加粗",
	} {
		if got := b.text(".answer " + selector); !strings.Contains(got, want) {
			t.Errorf("%s shows %q, want %q", selector, got, want)
		}
	}
	links := evaluate[string](b, `[...document.querySelectorAll('.answer a')].map((a) => a.href).join(' ')`)
	if links != "https://example.com/a_(b) https://example.com/x mailto:a@example.com" {
		t.Errorf("links lead to %s", links)
	}
	if got := b.text(".answer p"); !strings.Contains(got, "5 * 3 * 2 and snake_case_name") {
		t.Errorf("the paragraph shows %q", got)
	}
	b.click(".answer > .code .copy")
	b.awaitText(".answer > .code .copy", "Copied")
	b.write("Thanks, that was very helpful.")
	b.awaitText("article:last-child", "Sure.")
	b.idle()
	b.picture("light")
	b.scheme("dark")
	b.picture("dark")
	b.do(chromedp.EmulateViewport(390, 760, chromedp.EmulateMobile))
	b.picture("phone dark")
	b.scheme("light")
	evaluate[chromedp.Void](b, `(document.querySelector('#conversation').scrollTop = 0)`)
	b.picture("phone")
	if wide := evaluate[bool](b, `document.documentElement.scrollWidth > innerWidth`); wide {
		t.Error("the page is wider than a phone")
	}
}
