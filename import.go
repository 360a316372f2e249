package crm

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// ImportOptions tune [Shop.Import]. The zero value is ready to use.
type ImportOptions struct {
	// Batch is how many facts one transaction takes, 1 to 100,000. Defaults to
	// 1,000; ten times that is faster where writers do not wait for each other,
	// as on PostgreSQL.
	Batch int
	// Progress, if not nil, is told after each transaction how far the import
	// has come.
	Progress func(ImportProgress)
	// Refused, if not nil, is told of each fact that cannot be recorded, with its
	// place in the source, from 0, and the import goes on without it. If nil,
	// the import stops there.
	Refused func(position int64, err error)
}

// ImportProgress says how far an import has come.
type ImportProgress struct {
	Position int64 // Position is how many facts of the source are dealt with.
	Skipped  int64 // Skipped is how many of those an earlier call had dealt with.
	Refused  int64 // Refused is how many this call refused.
}

// Import takes in a shop's history: facts that build customers' pictures, ranks
// and scores, and start no journey, whatever their time. Workers fold them as
// they do others: until they are through, what happens meanwhile may have to
// wait, and mails with it. Import while the shop is quiet.
//
// An import is known by its id. After a failure or a crash call it again with
// the same id and a source that gives the same facts in the same order: it
// goes on where it was, on a store that is an [Importer]. On another store
// it begins anew and passes over what is on record already.
//
// One process imports at a time: the second gets [ErrConflict].
func (s *Shop) Import(ctx context.Context, id string, source iter.Seq2[Fact, error], options *ImportOptions) (ImportProgress, error) {
	im := &importing{shop: s, id: id}
	if options != nil {
		im.ImportOptions = *options
	}
	if im.Batch == 0 {
		im.Batch = 1000
	}
	if im.Batch < 1 || im.Batch > 100_000 {
		return ImportProgress{}, &FieldError{Field: "ImportOptions.Batch", Err: ErrRange}
	}
	var k check
	if k.id("ID", id); k.err() != nil {
		return ImportProgress{}, k.err()
	}
	if err := s.crm.knows(ctx, s.id); err != nil {
		return ImportProgress{}, err
	}
	if importer, ok := s.crm.store.(Importer); ok {
		im.importer = importer
		from, err := importer.Imported(ctx, s.id, id)
		if err != nil {
			return ImportProgress{}, err
		}
		im.progress.Position, im.progress.Skipped = from, from
	}
	err := im.run(ctx, source)
	if err == nil {
		s.crm.wake(s.id)
	}
	return im.progress, err
}

// importing is one call of Import.
type importing struct {
	ImportOptions
	shop     *Shop
	id       string
	importer Importer // nil if the store is none
	progress ImportProgress
}

// run prepares one batch while the one before it is written.
func (im *importing) run(ctx context.Context, source iter.Seq2[Fact, error]) error {
	batches := make(chan ImportBatch)
	written := make(chan error, 1)
	stop := make(chan struct{})
	go func() {
		defer close(stop)
		var err error
		for b := range batches {
			if err = im.write(ctx, b); err != nil {
				break
			}
		}
		written <- err
	}()
	err := im.read(ctx, source, func(b ImportBatch) bool {
		select {
		case batches <- b:
			return true
		case <-stop:
			return false
		}
	})
	close(batches)
	return errors.Join(<-written, err)
}

// read makes batches of the source.
func (im *importing) read(ctx context.Context, source iter.Seq2[Fact, error], send func(ImportBatch) bool) error {
	now := im.shop.crm.now()
	skip, position := im.progress.Position, int64(0)
	b := ImportBatch{ID: im.id, From: skip}
	for f, err := range source {
		if err != nil {
			return fmt.Errorf("crm: import: source, after %d facts: %w", position, err)
		}
		if position++; position <= skip {
			continue
		}
		f.Imported = true
		row, err := f.prepare(now)
		if err != nil {
			if im.ImportOptions.Refused == nil {
				return &BatchError{Index: int(position - 1), ID: f.ID, Err: err}
			}
			im.ImportOptions.Refused(position-1, err)
			im.progress.Refused++
		} else {
			b.Facts = append(b.Facts, row)
		}
		if b.To = position; b.To-b.From == int64(im.Batch) {
			if !send(b) {
				return nil // the writer says why
			}
			b = ImportBatch{ID: im.id, From: position}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if b.To > b.From {
		send(b)
	}
	return nil
}

func (im *importing) write(ctx context.Context, b ImportBatch) error {
	var err error
	if im.importer != nil {
		err = im.importer.Import(ctx, im.shop.id, b)
	} else {
		err = im.shop.crm.store.Append(ctx, im.shop.id, b.Facts)
	}
	if err != nil {
		return err
	}
	im.progress.Position = b.To
	if im.Progress != nil {
		im.Progress(im.progress)
	}
	return nil
}
