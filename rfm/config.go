package rfm

import "slices"

// Config says how customers are scored and classed. The zero Config, and a nil
// one, ask for five quantile bins in each dimension and the default classes.
type Config struct {
	// Recency, Frequency and Monetary divide their dimensions. Each defaults to
	// Quantiles{}.
	Recency, Frequency, Monetary Method

	// Classes is the table of classes. Defaults to [DefaultClasses], which needs
	// five bins in each dimension; with other bins give a table for them, or
	// Classes{{ID: "all"}} to do without.
	Classes Classes
}

// Validate returns a [FieldError] that names the first field with a problem, or
// nil. [NewTable] calls it.
func (c *Config) Validate() error {
	return c.withDefaults().validate()
}

// withDefaults returns a copy with every field filled in.
func (c *Config) withDefaults() Config {
	var full Config
	if c != nil {
		full = *c
	}
	for _, m := range []*Method{&full.Recency, &full.Frequency, &full.Monetary} {
		if *m == nil {
			*m = Quantiles{}
		}
	}
	if full.Classes == nil {
		full.Classes = DefaultClasses()
	} else {
		full.Classes = slices.Clone(full.Classes)
	}
	return full
}

// validate checks a config with defaults.
func (c Config) validate() error {
	if err := c.Recency.check("Recency"); err != nil {
		return err
	}
	if err := c.Frequency.check("Frequency"); err != nil {
		return err
	}
	if err := c.Monetary.check("Monetary"); err != nil {
		return err
	}
	return c.Classes.Validate(c.Recency.bins(), c.Frequency.bins(), c.Monetary.bins())
}
