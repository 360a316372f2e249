package crm_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The files that decide. What they do must follow from their arguments alone:
// live running, virtual time and "why did she not get this mail?" are then one
// function with different surroundings.
var core = []string{
	"abandon.go", "cart.go", "consent.go", "customer.go", "decision.go", "definition.go", "enroll.go", "fact.go", "fold.go",
	"document.go", "document_fact.go", "document_order.go", "document_read.go", "document_state.go", "document_write.go",
	"format.go", "gather.go", "group.go", "identity.go", "isolate.go", "journey.go", "localtime.go", "message.go", "money.go", "order.go",
	"orderfact.go", "orderstate.go", "person.go", "product.go", "lineitem.go", "program.go", "purchases.go", "rank.go",
	"reason.go", "segment.go", "settings.go", "stamp.go", "state.go", "step.go", "template.go", "validate.go",
}

func TestCoreIsPure(t *testing.T) {
	forbidden := []string{"context", "os", "net", "net/http", "math/rand", "math/rand/v2", "crypto/rand", "database/sql", "sync", "log", "log/slog"}
	for _, name := range core {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			assert.NotContains(t, forbidden, path, "%s decides, so it does no I/O, waits for nothing and throws no dice", name)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" {
					switch sel.Sel.Name {
					case "Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker":
						t.Errorf("%s: time.%s: what time it is comes in as an argument", name, sel.Sel.Name)
					}
				}
			}
			if _, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s starts a goroutine", name)
			}
			return true
		})
	}
}

// The root and mailer are imported into other people's servers: they bring
// nothing along but what is named here.
func TestDependencies(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".", "./mailer")
	out, err := list.Output()
	require.NoError(t, err)
	for path := range strings.FieldsSeq(string(out)) {
		allowed := false
		for _, module := range []string{"github.com/goen-crm/crm", "github.com/google/uuid", "github.com/shopspring/decimal", "golang.org/x/text"} {
			allowed = allowed || path == module || strings.HasPrefix(path, module+"/")
		}
		assert.True(t, allowed, "%s is imported by the root or mailer", path)
	}
}
