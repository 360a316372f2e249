package memory_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/storage/memory"
	"github.com/goen-crm/crm/storage/storagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStore(t *testing.T) {
	storagetest.Run(t, storagetest.Harness{
		Open: func(*testing.T) crm.Store { return memory.New() },
	})
}
