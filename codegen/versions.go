package codegen

import (
	"fmt"
	"strings"

	j "github.com/dave/jennifer/jen"

	"github.com/moqrx/moqrx/spec"
)

// versionConst is the name of the constant of version n.
func (g *generator) versionConst(n int) *j.Statement {
	_, suffix, _ := strings.Cut(g.fam.Version(n).Name, fmt.Sprintf("%0*d", g.width, n))
	return j.Id(fmt.Sprintf("Version%0*d%s", g.width, n, GoName(suffix)))
}

// holds is the condition that v is in on, given that it is in within; nil when it always is.
func (g *generator) holds(on, within spec.Set) *j.Statement {
	all := within.Numbers()
	var cond *j.Statement
	for _, r := range on.Runs(within) {
		first, last := r.From == all[0], r.To == all[len(all)-1]
		var c *j.Statement
		switch {
		case first && last:
			return nil
		case r.From == r.To:
			c = j.Id("v").Op("==").Add(g.versionConst(r.From))
		case first:
			c = j.Id("v").Op("<=").Add(g.versionConst(r.To))
		case last:
			c = j.Id("v").Op(">=").Add(g.versionConst(r.From))
		default:
			c = j.Id("v").Op(">=").Add(g.versionConst(r.From)).Op("&&").Id("v").Op("<=").Add(g.versionConst(r.To))
		}
		if cond == nil {
			cond = c
		} else {
			cond = cond.Op("||").Add(c)
		}
	}
	if cond == nil {
		return j.False()
	}
	return cond
}

// absent is the condition that v, any number, is not in on.
func (g *generator) absent(on spec.Set) *j.Statement {
	var cond *j.Statement
	for _, r := range on.Runs(^spec.Set(0)) {
		c := j.Id("v").Op("<").Add(g.versionConst(r.From)).Op("||").Id("v").Op(">").Add(g.versionConst(r.To))
		if r.From == r.To {
			c = j.Id("v").Op("!=").Add(g.versionConst(r.From))
		}
		if cond == nil {
			cond = c
		} else {
			cond = j.Parens(cond).Op("&&").Parens(c)
		}
	}
	return cond
}

// when puts code under the condition that v is in on.
func (g *generator) when(on, within spec.Set, code ...j.Code) []j.Code {
	if on&within == 0 || len(code) == 0 {
		return nil
	}
	if cond := g.holds(on, within); cond != nil {
		return []j.Code{j.If(cond).Block(code...)}
	}
	return code
}

// versionRuns is code that one after the other is for some versions.
type versionRuns []versionRun

type versionRun struct {
	on   spec.Set
	code []j.Code
}

// add puts code behind the others, into the last run if that is for the same versions.
func (r *versionRuns) add(on spec.Set, code ...j.Code) {
	if n := len(*r); n > 0 && (*r)[n-1].on == on {
		(*r)[n-1].code = append((*r)[n-1].code, code...)
	} else if len(code) > 0 {
		*r = append(*r, versionRun{on, code})
	}
}

// inTurn puts each run under its condition. Two that complement each other share it.
func (g *generator) inTurn(runs versionRuns, within spec.Set) []j.Code {
	var out []j.Code
	for len(runs) > 0 {
		if len(runs) > 1 && runs[0].on&within == within&^runs[1].on && runs[0].on&within != 0 && runs[1].on&within != 0 {
			out = append(out, j.If(g.holds(runs[0].on, within)).Block(runs[0].code...).Else().Block(runs[1].code...))
			runs = runs[2:]
			continue
		}
		out = append(out, g.when(runs[0].on, within, runs[0].code...)...)
		runs = runs[1:]
	}
	return out
}

// versionsText is a set as documentation has it: "05", "03-04", "04+".
func (g *generator) versionsText(on spec.Set) string { return on.Format(g.all, g.width) }

// genVersions makes the Version type and what every codec of the package shares.
func (g *generator) genVersions() {
	f := g.file("version")
	f.Comment("Generated code and primitives have to fit each other; see the wire package.")
	f.Const().Id("_").Op("=").Add(wire("Format1"))
	f.Comment("Version is a version of " + g.fam.Title + ".")
	f.Type().Id("Version").Uint8()
	f.Comment("The versions, oldest first.")
	f.Const().DefsFunc(func(d *j.Group) {
		for _, v := range g.fam.Versions {
			d.Add(g.versionConst(v.Number)).Id("Version").Op("=").Lit(v.Number)
		}
	})
	if g.fam.Framing != spec.Unframed {
		f.Comment("maxBody is the longest body of a message, unless that has a bound of its own.")
		f.Const().Id("maxBody").Op("=").Lit(g.fam.MaxBody)
	}
	g.genVi(f)
	g.genVersionNames(f)
	g.genFail(f)
}

// viConsts are the names of the varint kinds in the wire package.
var viConsts = map[string]string{"rfc9000": "RFC9000", "vi64-no7": "Vi64No7", "vi64": "Vi64"}

// genVi makes the constant vi, or the method that gives the kind for a version.
func (g *generator) genVi(f *j.File) {
	if g.oneVi {
		f.Comment("vi is the variable-length integer of all versions.")
		f.Const().Id("vi").Op("=").Add(wire(viConsts[g.fam.Versions[0].Vi]))
		return
	}
	f.Comment("vi is the variable-length integer of v.")
	f.Func().Params(j.Id("v").Id("Version")).Id("vi").Params().Add(wire("Vi")).BlockFunc(func(b *j.Group) {
		b.Switch().BlockFunc(func(s *j.Group) {
			kinds := g.viRuns()
			for i, k := range kinds {
				if i == len(kinds)-1 {
					continue
				}
				s.Case(j.Id("v").Op("<=").Add(g.versionConst(k.to))).Block(j.Return(wire(viConsts[k.kind])))
			}
		})
		runs := g.viRuns()
		b.Return(wire(viConsts[runs[len(runs)-1].kind]))
	})
}

type viRun struct {
	kind string
	to   int
}

func (g *generator) viRuns() []viRun {
	var runs []viRun
	for _, v := range g.fam.Versions {
		if len(runs) == 0 || runs[len(runs)-1].kind != v.Vi {
			runs = append(runs, viRun{kind: v.Vi})
		}
		runs[len(runs)-1].to = v.Number
	}
	return runs
}

// needVi declares vi in a function that uses it, where it depends on the version.
func (g *generator) needVi() j.Code {
	if g.oneVi {
		return j.Null()
	}
	return j.Id("vi").Op(":=").Id("v").Dot("vi").Call()
}

func (g *generator) genVersionNames(f *j.File) {
	lookup := func(doc, method, fallback string, value func(*spec.Version) string) {
		f.Comment(doc)
		f.Func().Params(j.Id("v").Id("Version")).Id(method).Params().String().Block(
			j.Switch(j.Id("v")).BlockFunc(func(s *j.Group) {
				for _, v := range g.fam.Versions {
					s.Case(g.versionConst(v.Number)).Block(j.Return(j.Lit(value(v))))
				}
			}),
			j.Return(j.Lit(fallback)),
		)
	}
	lookup("String is the name of v.", "String", g.fam.Name+" of an unknown version",
		func(v *spec.Version) string { return v.Name })
	lookup("ALPN is the protocol token by which a connection agrees on v.", "ALPN", "",
		func(v *spec.Version) string { return v.ALPN })
	g.genVersionCode(f)
	f.Comment("Versions lists all versions, newest first.")
	f.Func().Id("Versions").Params().Index().Id("Version").Block(
		j.Return(j.Index().Id("Version").ValuesFunc(func(l *j.Group) {
			for i := range g.fam.Versions {
				l.Add(g.versionConst(g.fam.Versions[len(g.fam.Versions)-1-i].Number))
			}
		})))
	f.Comment("ParseVersion finds a version by its name, its ALPN token or a common short name.")
	f.Func().Id("ParseVersion").Params(j.Id("name").String()).Params(j.Id("Version"), j.Error()).Block(
		j.Switch(j.Id("name")).BlockFunc(func(s *j.Group) {
			for _, v := range g.fam.Versions {
				s.Case(g.namesOf(v)...).Block(j.Return(g.versionConst(v.Number), j.Nil()))
			}
		}),
		j.Return(j.Lit(0), j.Qual("fmt", "Errorf").Call(
			j.Lit(fmt.Sprintf("unknown version %%q: %s has %s", g.fam.Name, g.versionList())), j.Id("name"))))
}

func (g *generator) genVersionCode(f *j.File) {
	f.Comment("Code is the number that stands for v where versions are agreed on in messages; 0 if they never are.")
	f.Func().Params(j.Id("v").Id("Version")).Id("Code").Params().Uint64().Block(
		j.Switch(j.Id("v")).BlockFunc(func(s *j.Group) {
			for _, v := range g.fam.Versions {
				if v.Code != 0 {
					s.Case(g.versionConst(v.Number)).Block(j.Return(hex(v.Code)))
				}
			}
		}),
		j.Return(j.Lit(0)))
}

func (g *generator) versionList() string {
	s := ""
	for i, v := range g.fam.Versions {
		if i > 0 {
			s += ", "
		}
		s += v.Name
	}
	return s
}

// namesOf are all names of v, each once. An ALPN token of several versions is no name.
func (g *generator) namesOf(v *spec.Version) []j.Code {
	var list []j.Code
	seen := map[string]bool{"": true}
	for _, w := range g.fam.Versions {
		if w != v && w.ALPN == v.ALPN {
			seen[w.ALPN] = true
		}
	}
	for _, name := range append([]string{v.Name, v.ALPN}, v.Also...) {
		if !seen[name] {
			list = append(list, j.Lit(name))
		}
		seen[name] = true
	}
	return list
}

// genFail makes the helpers that turn what went wrong with a field into the error of its
// message. They keep the unhappy path out of the codecs.
func (g *generator) genFail(f *j.File) {
	params := []j.Code{
		j.Id("v").Id("Version"), j.List(j.Id("message"), j.Id("field")).String(),
		j.Id("off").Int(), j.Id("e").Add(wireError()),
	}
	placed := func() *j.Statement {
		return j.Id("e").Dot("At").Call(j.Id("field"), j.Id("off")).Dot("In").Call(j.Id("v").Dot("String").Call(), j.Id("message"))
	}
	f.Comment("fail is the result of a parse that e ended.")
	f.Func().Id("fail").Params(params...).Params(j.Int(), j.Error()).Block(j.Return(j.Lit(0), placed().Dot("Closing").Call(hex(g.fam.Close))))
	f.Comment("failBody is fail inside a body of known length, in which nothing is merely short.")
	f.Func().Id("failBody").Params(params...).Params(j.Int(), j.Error()).Block(
		j.Return(j.Id("fail").Call(j.Id("v"), j.Id("message"), j.Id("field"), j.Id("off"), j.Id("e").Dot("Closed").Call())))
	f.Comment("refuse is the error of an append that e ended.")
	f.Func().Id("refuse").Params(
		j.Id("v").Id("Version"), j.List(j.Id("message"), j.Id("field")).String(), j.Id("e").Add(wireError()),
	).Error().Block(j.Return(j.Id("e").Dot("At").Call(j.Id("field"), j.Lit(0)).Dot("In").Call(j.Id("v").Dot("String").Call(), j.Id("message"))))
}
