package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/moqrx/moqrx/codegen"
)

func jsonCommand(stdout io.Writer) *cobra.Command {
	return &cobra.Command{
		Use:   "json [SPEC ...]",
		Short: "Print checked specs as JSON for other tools, one object for each file",
		RunE: func(_ *cobra.Command, args []string) error {
			sources, err := readSpecs(args)
			if err != nil {
				return err
			}
			for _, s := range sources {
				data, err := codegen.JSON(s.family, s.name())
				if err != nil {
					return err
				}
				if _, err := stdout.Write(data); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
