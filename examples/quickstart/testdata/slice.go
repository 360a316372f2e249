// Slice cuts online_retail.csv.gz out of the whole data set:
//
//	go run slice.go <whole.csv.gz >online_retail.csv.gz
//
// It keeps the header and every line of those customers whose CustomerID,
// taken as a string, has a CRC-32 (IEEE) that is a multiple of 12. Lines keep
// their order and their values; only their ends become plain line feeds. The
// gzip header holds neither name nor time, so that the same input gives the
// same bytes with the same version of Go.
package main

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"hash/crc32"
	"io"
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	if err := slice(os.Stdin, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// slice copies the chosen lines from one gzipped file to another.
func slice(r io.Reader, w io.Writer) error {
	unzipped, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	zipped, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	in, out := csv.NewReader(unzipped), csv.NewWriter(zipped)

	const customer = 6 // the column CustomerID
	header, err := in.Read()
	if err != nil {
		return err
	}
	if len(header) <= customer || header[customer] != "CustomerID" {
		return errors.New("the seventh column is not CustomerID")
	}
	if err := out.Write(header); err != nil {
		return err
	}
	for {
		line, err := in.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if id := line[customer]; id == "" || crc32.ChecksumIEEE([]byte(id))%12 != 0 {
			continue
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return err
	}
	return zipped.Close()
}
