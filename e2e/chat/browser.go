//go:build e2e

package chat

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a test waits for what must happen: above the page's
// longest wait that a test lets pass, and room for a slow machine.
const patience = 60 * time.Second

// tab is a browser's tab that shows the chat page.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// open starts a browser of its own on the page, in the language. A dialog, an
// uncaught error, a breach of the content security policy or a request to
// anywhere else fails the test.
func open(t *testing.T, url, language string) tab {
	t.Helper()
	options := append([]chromedp.ExecAllocatorOption{},
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("accept-lang", language),
		chromedp.WindowSize(1100, 800),
	)
	ctx, cancelLimit := context.WithTimeout(t.Context(), 6*patience)
	t.Cleanup(cancelLimit)
	ctx, cancel := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)

	if err := chromedp.Listen(ctx, func(event any) { watch(t, url, event) }); err != nil {
		t.Fatal(err)
	}
	b := tab{t, ctx}
	b.do(command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{}), chromedp.Navigate(url+"/ui/"))
	b.await(`document.querySelectorAll('#model option').length > 0`)
	return b
}

func watch(t *testing.T, url string, event any) {
	switch e := event.(type) {
	case *page.EventJavascriptDialogOpening:
		t.Errorf("the page opened a dialog: %q", e.Message)
	case *runtime.EventExceptionThrown:
		t.Errorf("uncaught: %v", e.ExceptionDetails)
	case *log.EventEntryAdded:
		if strings.Contains(e.Entry.Text, "Content Security Policy") {
			t.Errorf("policy: %s", e.Entry.Text)
		}
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, url+"/") && !strings.HasPrefix(e.Request.URL, "data:") {
			t.Errorf("the page asked for %s", e.Request.URL)
		}
	}
}

// command makes a step of a protocol command whose result does not matter.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, c, params)
		return err
	})
}

func (b tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// await waits until the JavaScript expression holds. chromedp.Poll would need
// eval, which the page's policy forbids.
func (b tab) await(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	look := fmt.Sprintf(`new Promise((resolve) => {
		const look = () => (%s) ? resolve(true) : requestAnimationFrame(look);
		look();
	})`, expression)
	_, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](look, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("waiting for %s: %v; the page shows:\n%s", expression, err, b.text("body"))
	}
}

// awaitText waits until the text is to be seen in the element.
func (b tab) awaitText(selector, text string) {
	b.t.Helper()
	b.await(fmt.Sprintf(`(document.querySelector(%q)?.checkVisibility() && document.querySelector(%q).innerText.includes(%q))`,
		selector, selector, text))
}

// countdown waits for one and gives the seconds it shows.
func (b tab) countdown() int {
	b.t.Helper()
	b.await(`parseInt(document.querySelector('#countdown').innerText) > 0`)
	return evaluate[int](b, `parseInt(document.querySelector('#countdown').innerText)`)
}

func (b tab) text(selector string) string {
	return evaluate[string](b, fmt.Sprintf(`document.querySelector(%q)?.innerText ?? ''`, selector))
}

func evaluate[T any](b tab, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// write types the text and sends it with Enter.
func (b tab) write(text string) {
	b.t.Helper()
	b.fill("#prompt", text)
}

// fill types the text into the field, then Enter.
func (b tab) fill(field, text string) {
	b.t.Helper()
	b.do(chromedp.SendKeys(chromedp.CSS(field), text))
	b.enter()
}

// enter presses the key as a keyboard does: where the page prevents the default,
// no line break follows. chromedp's own sends one all the same.
func (b tab) enter() {
	b.t.Helper()
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		b.do(command(input.DispatchKeyEvent, input.DispatchKeyEventParams{
			Type: kind, Key: "Enter", Code: "Enter", Text: "\r", WindowsVirtualKeyCode: 13, NativeVirtualKeyCode: 13,
		}))
	}
}

func (b tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// idle waits until no answer is awaited any more.
func (b tab) idle() {
	b.t.Helper()
	b.await(`document.querySelector('#stop').hidden`)
}

func (b tab) reload() {
	b.t.Helper()
	b.do(chromedp.Reload())
	b.await(`document.querySelectorAll('#model option').length > 1`)
}

// scheme sets what the page learns about the user's taste: light or dark.
func (b tab) scheme(name string) {
	b.t.Helper()
	b.do(command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	}))
}

// picture keeps a screenshot for a person to look at.
func (b tab) picture(name string) {
	b.t.Helper()
	folder := os.Getenv("CLAWGATE_SCREENSHOTS")
	if folder == "" {
		folder = b.t.TempDir()
	}
	image, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), image, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
