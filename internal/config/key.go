package config

import (
	"reflect"
	"strings"
)

// prefix begins the name of every environment variable that is a setting.
const prefix = "COPSE_"

// keys returns every setting with the type of its field: "mail.smtp" and so on.
func keys() map[string]reflect.Type {
	all := map[string]reflect.Type{}
	for section := range reflect.TypeFor[Config]().Fields() {
		for field := range section.Type.Fields() {
			all[section.Tag.Get("koanf")+"."+field.Tag.Get("koanf")] = field.Type
		}
	}
	return all
}

func isSection(name string) bool {
	for key := range keys() {
		if strings.HasPrefix(key, name+".") {
			return true
		}
	}
	return false
}

// variable is the name of the environment variable that sets key. Two
// underscores stand for the dot, since keys have single ones of their own.
func variable(key string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(key, ".", "__"))
}

// keyOf is the opposite of variable.
func keyOf(variable string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(variable, prefix), "__", "."))
}

// nearest is the setting that takes the fewest changed letters to reach from a
// misspelt one; of two as near, the first by name.
func nearest(misspelt string) string {
	best, least := "", 0
	for key := range keys() {
		d := distance(misspelt, key)
		if best == "" || d < least || d == least && key < best {
			best, least = key, d
		}
	}
	return best
}

// distance is how many letters must be added, dropped or exchanged to make b of
// a (Levenshtein). Settings are ASCII, so bytes will do.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			exchange := diagonal
			if a[i] != b[j] {
				exchange++
			}
			diagonal = row[j+1]
			row[j+1] = min(exchange, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
