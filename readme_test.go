package crm_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm"
)

// The README's program is the one in examples/first, which compiles, and it is
// as short as the README says a program can be.
func TestReadmeProgram(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	program, err := os.ReadFile("examples/first/main.go")
	require.NoError(t, err)

	_, after, found := strings.Cut(string(readme), "## A complete program\n\n```go\n")
	require.True(t, found, "the README has no complete program")
	shown, _, _ := strings.Cut(after, "```")
	_, code, _ := strings.Cut(string(program), "\n") // without the package comment
	require.Equal(t, code, shown)
	require.Less(t, strings.Count(shown, "\n"), 40)
}

// The sample of a journey's JSON in the documentation is a journey.
func TestJourneyJSONSample(t *testing.T) {
	source, err := os.ReadFile("journey.go")
	require.NoError(t, err)
	_, after, found := strings.Cut(string(source), "// UnmarshalJSON reads what MarshalJSON writes:\n//\n")
	require.True(t, found)
	sample, _, found := strings.Cut(after, "\n//\n")
	require.True(t, found)
	var j crm.Journey
	require.NoError(t, json.Unmarshal([]byte(strings.ReplaceAll(sample, "//\t", "")), &j))
	require.NoError(t, j.Validate())
	require.Len(t, j.Steps, 5)
}

// Every field that a rule can ask for is in the table of the documentation.
func TestFieldsAreDocumented(t *testing.T) {
	source, err := os.ReadFile("segment.go")
	require.NoError(t, err)
	_, table, _ := strings.Cut(string(source), "// Fields lists the fields")
	table, _, _ = strings.Cut(table, "func Fields()")
	for _, field := range crm.Fields() {
		require.Contains(t, table, field)
	}
}
