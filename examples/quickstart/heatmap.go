package main

import (
	"fmt"
	"strings"
)

// heatMap draws how many customers have each recency and frequency: the
// brighter, the more.
func (s *screen) heatMap(heat [][]int) {
	most := 1
	for _, row := range heat {
		for _, n := range row {
			most = max(most, n)
		}
	}
	s.say("     頻度 (F) 低い -> 高い", "     frequency (F), low to high")
	header := "     "
	for f := range heat[0] {
		header += fmt.Sprintf("  F%-5d", f+1)
	}
	s.print("%s\n", header)
	for r := len(heat) - 1; r >= 0; r-- {
		line := fmt.Sprintf("  R%d ", r+1)
		for _, n := range heat[r] {
			line += s.cell(n, most)
		}
		switch r {
		case len(heat) - 1:
			line += s.text("  最近買った", "  bought lately")
		case 0:
			line += s.text("  しばらく来ていない", "  long ago")
		}
		s.print("%s\n", line)
	}
}

// cell draws one number of customers, eight columns wide.
func (s *screen) cell(n, most int) string {
	const shades = 5
	shade := 0
	if n > 0 {
		shade = 1 + n*(shades-1)/most
	}
	if !s.colour {
		return fmt.Sprintf("%4d %-3s", n, strings.Repeat("#", min(shade, 4)-min(shade, 1)))
	}
	paper := []int{236, 17, 19, 26, 33, 39}[shade]
	return fmt.Sprintf("\x1b[48;5;%dm\x1b[38;5;255m%5d  \x1b[0m ", paper, n)
}
