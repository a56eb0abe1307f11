// Where a link may lead: to this page, to a page of the same extension, or,
// marked as external, to an https address that is written out.
package fragment

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// placeholder is {pointer} in a target.
var placeholder = regexp.MustCompile(`\{([^{}]*)\}`)

// checkTarget holds a link's target against the rules and gives the pointers in
// it. pages are the routes of the extension's own pages.
func checkTarget(to string, external bool, pages []string) (pointers []string, problem string) {
	for _, r := range to {
		if r <= ' ' || r == 0x7f || r == '\\' || (r >= 0x80 && r <= 0xa0) || (r >= 0x2028 && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) {
			return nil, "a target holds no spaces, control characters, direction marks or backslashes"
		}
	}
	if external {
		return nil, checkExternal(to)
	}
	for _, m := range placeholder.FindAllStringSubmatch(to, -1) {
		pointers = append(pointers, m[1])
	}
	plain := placeholder.ReplaceAllString(to, "x")
	if strings.ContainsAny(plain, "{}") {
		return nil, "a brace that is not part of a {pointer}"
	}
	path, query, hasQuery := strings.Cut(plain, "?")
	if hasQuery {
		if _, err := url.ParseQuery(query); err != nil || strings.Contains(query, "#") {
			return nil, "the query is not well-formed"
		}
	}
	switch {
	case path == "" && hasQuery:
		return pointers, ""
	case strings.HasPrefix(path, "./"):
		path = path[1:]
		if problem := checkPath(path); problem != "" {
			return nil, problem
		}
		return pointers, ""
	case strings.HasPrefix(path, "/"):
		if problem := checkPath(path); problem != "" {
			return nil, problem
		}
		for _, page := range pages {
			if path == page || strings.HasPrefix(path, page+"/") {
				return pointers, ""
			}
		}
		return nil, fmt.Sprintf("%q is no page of this extension; its pages are %s", path, strings.Join(pages, ", "))
	default:
		return nil, "a link is ?query, ./below or /page of this extension; https://... only with external: true"
	}
}

// segment is one piece of a path of a link.
var segment = regexp.MustCompile(`^[A-Za-z0-9._~:@!$&'()*+,;=-]{1,128}$`)

func checkPath(path string) string {
	for s := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if s == "." || s == ".." || !segment.MatchString(s) {
			return fmt.Sprintf("%q is not a segment of a path", s)
		}
	}
	return ""
}

func checkExternal(to string) string {
	if strings.ContainsAny(to, "{}") {
		return "an external address is written out, without placeholders"
	}
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Opaque != "" || !strings.HasPrefix(to, "https://") {
		return "an external address is https://host/... without a user"
	}
	return ""
}

// markdownTarget finds what Markdown would make a link of: inline, by reference,
// in angle brackets.
var markdownTarget = regexp.MustCompile(`\]\(\s*<?([^)>\s]*)|\]:\s*<?([^>\s]*)|<([A-Za-z][A-Za-z0-9+.-]*:[^>]*)>`)

// scheme finds what no text of a page needs, wherever it stands.
var scheme = regexp.MustCompile(`(?i)(javascript|vbscript)\s*:`)

// checkMarkdown holds the links of a Markdown text against the rules.
func checkMarkdown(text string, pages []string) string {
	if m := scheme.FindString(text); m != "" {
		return fmt.Sprintf("%q is no scheme for a link", m)
	}
	for _, m := range markdownTarget.FindAllStringSubmatch(text, -1) {
		to := m[1] + m[2] + m[3]
		if strings.HasPrefix(to, "https://") {
			if problem := checkExternal(to); problem != "" {
				return problem
			}
			continue
		}
		if to == "" || strings.HasPrefix(to, "{") {
			return "a link without a written-out target"
		}
		if _, problem := checkTarget(to, false, pages); problem != "" {
			return problem
		}
	}
	return ""
}
