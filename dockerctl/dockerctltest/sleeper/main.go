// Sleeper is what the containers of the tests on a real engine run: it says on
// both outputs that it is up, and then waits to be told to end. It can say more,
// and end by itself.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ignore := flag.Bool("ignore-term", false, "do not end on SIGTERM")
	spin := flag.Bool("spin", false, "use CPU time")
	say := flag.String("say", "", "a line to write first")
	exit := flag.Int("exit", -1, "end at once with this code")
	flag.Parse()
	if *say != "" {
		fmt.Fprintln(os.Stderr, *say)
	}
	if *exit >= 0 {
		os.Exit(*exit)
	}
	if *spin {
		go func() {
			for turns := 0; ; turns++ {
				_ = turns
			}
		}()
	}
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	fmt.Println("sleeper is up")
	fmt.Fprintln(os.Stderr, "sleeper writes errors too")
	for range term {
		if !*ignore {
			return
		}
	}
}
