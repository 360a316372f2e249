package crm_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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
