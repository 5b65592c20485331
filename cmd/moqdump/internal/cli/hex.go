package cli

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/moqrx/moqrx/cmd/moqdump/internal/hex"
	"github.com/moqrx/moqrx/gen/named"
)

const hexLong = `hex decodes bytes that stand outside of a capture. With bytes as arguments it prints what each of them is, and
where something is wrong marks them: spaces, colons, 0x and the offsets of a hexdump are left out. Who does not know the
version says any, and gets the list of those that take the bytes.

A hexdump is one argument, in quotes. Its offsets are known by the colon behind them, by the text column behind the
bytes, or as what counts the bytes in front of each of several lines; a single line with none of these is bytes.

Whether a fetch was asked for in descending order does not stand on its stream: the groups of a FETCH_STREAM are taken as
ascending. This shows only where an id leaves its range (draft-18 and later): differences are printed as they stand there.

Without, it reads one JSON object a line from standard input and answers each with one:

  {"version":"draft-18","message":"SUBSCRIBE","hex":"..."}
  {"ok":true,"fields":{...},"consumed":32,"reencoded":"..."}
  {"ok":false,"error":{"kind":"short","offset":3,"field":"Track Namespace[1]","reason":"..."}}

The kind is short, malformed or unsupported. An answer to a line that cannot be read is malformed and has
its number as "line" beside; the field says which part of it is meant, and the others are answered all the same.`

// hexCommand decodes pasted bytes.
func (e *env) hexCommand() *cobra.Command {
	var version, message string
	cmd := &cobra.Command{
		Use:   "hex [-version VERSION -message MESSAGE BYTES...]",
		Short: "decode a message from hexadecimal",
		Long:  hexLong,
		Example: `  moqdump hex -version draft-18 -message SUBSCRIBE 03 00 1d 08 02 04 72 6f 6f 6d
  moqdump hex < messages.jsonl`,
		RunE: func(_ *cobra.Command, args []string) error {
			return e.hex(version, message, args)
		},
	}
	cmd.Flags().StringVar(&version, "version", "", "of the protocol: draft-18, moqt-18, moq-transport-18, lite-05, moq-lite-05; any lists those that take the bytes")
	cmd.Flags().StringVar(&message, "message", "", "name of the message, or SUBGROUP_STREAM, FETCH_STREAM")
	return cmd
}

func (e *env) hex(version, message string, args []string) error {
	if len(args) == 0 && version == "" && message == "" {
		if err := named.Lines(e.in, e.out); !errors.Is(err, named.ErrLines) {
			return err
		}
		return errReported
	}
	if version == "" || message == "" || len(args) == 0 {
		return usageError{errors.New("hex needs -version, -message and the bytes; or none of them, and lines on standard input")}
	}
	src, err := hex.Parse(strings.Join(args, " "))
	if err != nil {
		return usageError{err}
	}
	var text bytes.Buffer
	ok, err := hex.Print(&text, version, message, src)
	if err != nil {
		return usageError{err}
	}
	if _, err := text.WriteTo(e.out); err != nil {
		return fmt.Errorf("%w: %w", errOutput, err)
	}
	if !ok {
		return errReported
	}
	return nil
}
