package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/moqrx/moqrx/codegen"
	"github.com/moqrx/moqrx/spec"
)

func luaCommand(stdout io.Writer) *cobra.Command {
	return &cobra.Command{
		Use:   "lua [SPEC ...]",
		Short: "Print a Wireshark dissector in Lua for sessions over raw QUIC",
		Long: "lua prints a dissector of Media over QUIC for Wireshark 4 and tshark. It is for sessions over raw QUIC, which it\n" +
			"tells apart by their ALPN: Wireshark takes the streams of WebTransport for those of HTTP/3. moqdump decodes both.",
		Example: "  moqgen lua > moq.lua\n" +
			"  tshark -X lua_script:moq.lua -r session.pcapng -Y moq",
		RunE: func(_ *cobra.Command, args []string) error {
			sources, err := readSpecs(args)
			if err != nil {
				return err
			}
			var families []*spec.Family
			var names []string
			for _, s := range sources {
				families = append(families, s.family)
				names = append(names, s.name())
			}
			data, err := codegen.Lua(families, names)
			if err != nil {
				return err
			}
			_, err = stdout.Write(data)
			return err
		},
	}
}
