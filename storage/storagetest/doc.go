// Package storagetest tests a [crm.Store].
//
// A store of your own proves itself in a few lines:
//
//	func TestStore(t *testing.T) {
//		storagetest.Run(t, storagetest.Harness{
//			Open: func(t *testing.T) crm.Store {
//				s, err := mystore.Open(t.Context(), "…")
//				if err != nil {
//					t.Fatal(err)
//				}
//				t.Cleanup(func() { s.Close() })
//				return s
//			},
//		})
//	}
//
// What else the store can do is declared by setting further fields of
// [Harness]; checks that need a field which is not set are skipped. Optional
// interfaces, such as [crm.Importer], are checked if the store has them.
//
// Each check says which rule of the interface it is about and why the rule is
// there, and prints that when it fails. Run it with the race detector too.
//
// The suite makes up a new shop for each check, so it may run on a database
// that holds rows already, and leaves its own behind.
package storagetest
