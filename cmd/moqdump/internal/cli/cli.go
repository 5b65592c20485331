package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/dump"
	"github.com/moqrx/moqrx/cmd/moqdump/internal/render"
)

// Exit codes.
const (
	exitOK    = 0
	exitInput = 1
	exitUsage = 2
)

// usageError marks an error of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// errReported stands for an error that was already reported on standard error.
var errReported = errors.New("reported")

// env is what the commands reach of the world.
type env struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
	terminal bool // out is a terminal that wants colors
}

// Main runs moqdump with the arguments after its name and returns the exit code. It ends early,
// and cleanly, when ctx does.
func Main(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	e := &env{in: in, out: out, err: errOut, getenv: os.Getenv}
	if f, ok := out.(*os.File); ok && isTerminal(f) && e.getenv("NO_COLOR") == "" {
		e.out, e.terminal = lipgloss.Writer, true // it knows how many colors the terminal has
	}
	return e.main(ctx, args)
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (e *env) main(ctx context.Context, args []string) int {
	root := e.root()
	root.SetArgs(longFlags(root, args))
	root.SetIn(e.in)
	root.SetOut(e.out)
	root.SetErr(e.err)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errReported):
		return exitInput
	}
	_, _ = fmt.Fprintln(e.err, "moqdump:", oneLine(err))
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitInput
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// longFlags lets long flags be written with one dash, as the examples of the project are.
func longFlags(root *cobra.Command, args []string) []string {
	known := map[string]bool{"help": true}
	note := func(f *pflag.Flag) { known[f.Name] = true }
	for _, c := range append(root.Commands(), root) {
		c.Flags().VisitAll(note)
	}
	out := make([]string, len(args))
	for i, arg := range args {
		if name, ok := strings.CutPrefix(arg, "-"); ok {
			if name, _, _ = strings.Cut(name, "="); len(name) > 1 && known[name] {
				arg = "-" + arg
			}
		}
		out[i] = arg
	}
	return out
}

const long = `moqdump decodes Media over QUIC from packet captures: pcap and pcapng, plain or gzipped, from files
or from a pipe ("-"). It needs the TLS secrets: in the capture (pcapng), or in a key log.

It prints a line for each session and for each message, frame, and end of a stream. Times are seconds
since the first packet; → is from the client, ← from the server.`

func (e *env) root() *cobra.Command {
	var keyFile, format string
	cmd := &cobra.Command{
		Use:   "moqdump FILE...",
		Short: "decode Media over QUIC from packet captures",
		Long:  long,
		Example: `  moqdump session.pcapng
  moqdump -k keys.log session.pcap.gz
  tcpdump -i any -U -w - udp port 4443 | moqdump -k keys.log -
  moqdump demo`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New(`which capture? name a file, or "-" for standard input; "moqdump --help" says more`)}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.dump(cmd.Context(), args, keyFile, format)
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	cmd.Flags().StringVarP(&keyFile, "keys", "k", "", "TLS key log (default $SSLKEYLOGFILE)")
	cmd.Flags().StringVarP(&format, "output", "o", "text", "text, or json for one object a line")
	cmd.AddCommand(e.demoCommand())
	cmd.AddCommand(e.hexCommand())
	return cmd
}

// dump decodes captures one after the other.
func (e *env) dump(ctx context.Context, files []string, keyFile, format string) error {
	if format != "text" && format != "json" {
		return usageError{fmt.Errorf("unknown output format %q: text or json", format)}
	}
	keys, err := e.keys(keyFile)
	if err != nil {
		return err
	}
	defer func() { _ = keys.Close() }()
	failed, sessions := false, 0
	for _, name := range files {
		n, err := e.dumpOne(ctx, name, format, dump.Options{Keys: keys, First: sessions}, len(files) > 1)
		sessions += n
		switch {
		case errors.Is(err, errOutput):
			return err
		case err != nil:
			_, _ = fmt.Fprintf(e.err, "moqdump: %s: %s\n", name, oneLine(err))
			failed = true
		}
	}
	if failed {
		return errReported
	}
	return nil
}

// keys opens the key log. One that only the environment names may be missing.
func (e *env) keys(name string) (*dump.Keys, error) {
	if name != "" {
		return e.openKeys("", name)
	}
	const from = "$SSLKEYLOGFILE: "
	keys, err := e.openKeys(from, e.getenv("SSLKEYLOGFILE"))
	if err != nil {
		_, _ = fmt.Fprintf(e.err, "moqdump: %s%s\n", from, oneLine(err))
		return dump.OpenKeys("")
	}
	return keys, nil
}

// openKeys opens a key log and warns when it is none.
func (e *env) openKeys(from, name string) (*dump.Keys, error) {
	keys, err := dump.OpenKeys(name)
	if err == nil && keys.Foreign() {
		_, _ = fmt.Fprintf(e.err, "moqdump: %s%s: no secrets of QUIC in it; want a TLS key log, with lines like "+
			"\"CLIENT_TRAFFIC_SECRET_0 <client random> <secret>\" in hexadecimal\n", from, name)
	}
	return keys, err
}

// errOutput marks an error of standard output, after which there is nothing to go on for.
var errOutput = errors.New("cannot write the output")

// dumpOne decodes one capture and returns how many sessions it had.
func (e *env) dumpOne(ctx context.Context, name, format string, opts dump.Options, heading bool) (int, error) {
	in, live, err := e.open(name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = in.Close() }()
	w := bufio.NewWriter(e.out)
	var from io.Reader = in
	if live {
		opts.AfterRecord = w.Flush
		from = interruptible(ctx, in)
	}
	out := e.output(w, format)
	if heading && format == "text" {
		_, _ = fmt.Fprintf(w, "%s\n", name)
	}
	sum, err := dump.Run(from, out, opts)
	if failed := cmp.Or(out.Err(), w.Flush()); failed != nil {
		return sum.Sessions, fmt.Errorf("%w: %w", errOutput, failed)
	}
	if err != nil {
		return sum.Sessions, err
	}
	for _, line := range sum.Lines() {
		_, _ = fmt.Fprintf(e.err, "moqdump: %s: %s\n", name, line)
	}
	return sum.Sessions, nil
}

func (e *env) output(w io.Writer, format string) dump.Output {
	if format == "json" {
		return render.NewJSON(w)
	}
	return render.NewText(w, e.terminal)
}

// open opens a capture and tells whether it may still be written.
func (e *env) open(name string) (in io.ReadCloser, live bool, err error) {
	if name == "-" {
		if c, ok := e.in.(io.ReadCloser); ok {
			return c, true, nil
		}
		return io.NopCloser(e.in), true, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, false, trimPath(err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("is a directory")
	}
	if err != nil {
		_ = f.Close()
		return nil, false, err
	}
	return f, !info.Mode().IsRegular(), nil
}

// interruptible reads in until it ends or ctx does, whichever is first. A read of a terminal or a
// pipe cannot be called off: what waits in it is left behind.
func interruptible(ctx context.Context, in io.Reader) io.Reader {
	pr, pw := io.Pipe()
	go func() {
		_, err := io.Copy(pw, in)
		_ = pw.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { _ = pw.Close() })
	return pr
}

// trimPath leaves out the name of the file, which stands in front of the line already.
func trimPath(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
