// How documents of each kind are made true.

package main

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// anyNames is the schema of a list of names.
var anyNames = map[string]any{"type": "array", "uniqueItems": true, "maxItems": 1000.0, "items": map[string]any{"type": "string", "minLength": 1.0, "maxLength": 63.0}}

var (
	workspaceForm = &form{named: "NewWorkspace", spec: []string{"WorkspaceChange"}, platform: true, plan: planWorkspace}
	projectForm   = &form{
		named: "NewProject", spec: []string{"ProjectChange"}, needs: []string{"workspace"}, cluster: true, plan: planProject,
		more: map[string]any{"workspace": property("NewProject", "workspace"), "adopt": property("NewProject", "adopt")},
	}
	roleForm = &form{
		named: "NewRole", spec: []string{"RoleContent"}, needs: []string{"kind", "permissions"}, platform: true, workspace: true, plan: planRole,
		more: map[string]any{"kind": property("NewRole", "kind")},
	}
	userForm = &form{
		named: "NewUser", spec: []string{"UserChange"}, platform: true, plan: planUser,
		more: map[string]any{"platformRoles": property("PlatformRoles", "platform")},
	}
	groupForm = &form{
		named: "NewGroup", spec: []string{"NewGroup"}, leaves: []string{"name"}, platform: true, workspace: true, plan: planGroup,
		more: map[string]any{"members": anyNames, "platformRoles": property("PlatformRoles", "platform")},
	}
	robotForm = &form{named: "NewRobot", spec: []string{"UserChange"}, workspace: true, plan: planRobot}
)

// memberForm is that of members: of people, or of groups.
func memberForm(list string) *form {
	return &form{
		spec: []string{"GivenRole"}, needs: []string{"role"}, workspace: true, project: true,
		more: map[string]any{"until": map[string]any{"type": "string"}},
		plan: func(ctx context.Context, p *planner, s source) (change, error) { return planMember(ctx, p, s, list) },
	}
}

// with is a spec and a name, as the API makes things of.
func with(spec map[string]any, key string, value any) map[string]any {
	all := maps.Clone(spec)
	all[key] = value
	return all
}

// only are some things of a spec.
func only(spec map[string]any, keys ...string) map[string]any {
	all := map[string]any{}
	for _, key := range keys {
		if v, ok := spec[key]; ok {
			all[key] = v
		}
	}
	return all
}

func planWorkspace(ctx context.Context, p *planner, s source) (change, error) {
	now, there, err := p.current(ctx, s)
	if err != nil {
		return change{}, err
	}
	c := compare(s, now.Spec, there, true)
	switch {
	case !there:
		c.steps = []step{{does: "making it", method: http.MethodPost, path: "/api/v1/workspaces", body: with(s.Spec, "name", s.Metadata.Name)}}
	case c.differs():
		c.steps = []step{{does: "changing it", method: http.MethodPut, path: s.kind.get(place{}, s.Metadata.Name), body: s.Spec, etag: now.etag}}
	}
	return c, nil
}

func planProject(ctx context.Context, p *planner, s source) (change, error) {
	// By the list: who may not see a project is not told whether there is one.
	items, err := p.api.items(ctx, withQuery(s.kind.list(place{cluster: s.Metadata.Cluster}), "filter", s.Metadata.Name))
	if err != nil {
		return change{}, err
	}
	i := slices.IndexFunc(items, func(item map[string]any) bool { return text(item["name"]) == s.Metadata.Name })
	var now document
	there := false
	if i >= 0 {
		if now, there, err = p.current(ctx, s); err != nil {
			return change{}, err
		}
	}
	c := compare(s, now.Spec, there, true)
	if err := c.stays("workspace"); err != nil {
		return c, err
	}
	settings := only(s.Spec, "title", "quota", "containers")
	switch {
	case !c.there:
		c.steps = []step{{does: "making it", method: http.MethodPost, path: "/api/v1/clusters/" + url.PathEscape(s.Metadata.Cluster) + "/projects", body: with(s.Spec, "name", s.Metadata.Name)}}
	case c.differs():
		c.steps = []step{{does: "changing it", method: http.MethodPut, path: projectPath(s.Metadata.place(), s.Metadata.Name), body: settings, etag: now.etag}}
	}
	return c, nil
}

func planMember(ctx context.Context, p *planner, s source, list string) (change, error) {
	if s.Spec["until"] != nil {
		return change{}, s.fault("/spec/until", "a role that ends by itself is given by a decision about an access request")
	}
	at := s.Metadata.place()
	id, name, err := p.role(ctx, s, "/spec/role", text(s.Spec["role"]))
	if err != nil {
		return change{}, err
	}
	path := oneBelow(list)(at, s.Metadata.Name)
	d, err := s.kind.read(ctx, p.api, at, path)
	there := err == nil
	if err = p.missing(s, err); err != nil {
		return change{}, err
	}
	s.Spec = map[string]any{"role": name}
	c := compare(s, nil, false, true)
	if there && d.Spec["until"] == nil { // one that ends by itself is another one
		_, had, err := p.role(ctx, s, "/spec/role", first(text(d.Status["roleID"]), text(d.Spec["role"])))
		if err != nil {
			return change{}, err
		}
		c = compare(s, map[string]any{"role": had}, true, true)
	}
	if c.differs() {
		c.steps = []step{{does: "giving the role", method: http.MethodPut, path: path, body: map[string]any{"role": id}, etag: d.etag, puts: true}}
	}
	return c, nil
}

func planRole(ctx context.Context, p *planner, s source) (change, error) {
	at := s.Metadata.place()
	all, err := s.kind.all(ctx, p.api, at, url.Values{"filter": {s.Metadata.Name}})
	if err = p.missing(s, err); err != nil {
		return change{}, err
	}
	all = slices.DeleteFunc(all, func(d document) bool {
		return d.Metadata.Name != s.Metadata.Name || d.Metadata.Workspace != s.Metadata.Workspace
	})
	if len(all) == 0 {
		c := compare(s, nil, false, true)
		c.steps = []step{{does: "making it", method: http.MethodPost, path: at.path() + "/roles", body: with(s.Spec, "name", s.Metadata.Name)}}
		return c, nil
	}
	path := s.kind.remove(at, text(all[0].Status["id"]))
	now, err := s.kind.read(ctx, p.api, at, path)
	if err != nil {
		return change{}, err
	}
	c := compare(s, now.Spec, true, true)
	if err := c.stays("kind"); err != nil {
		return c, err
	}
	if c.differs() && now.Status["custom"] != true {
		return c, s.fault("/metadata/name", "the role %s is a preset and stays as it is; make one of another name", s.Metadata.Name)
	}
	if c.differs() {
		c.steps = []step{{does: "changing it", method: http.MethodPut, path: path, body: only(s.Spec, "title", "description", "permissions"), etag: now.etag}}
	}
	return c, nil
}

func planUser(ctx context.Context, p *planner, s source) (change, error) {
	roles, err := p.platformRoles(ctx, &s)
	if err != nil {
		return change{}, err
	}
	path := s.kind.get(place{}, s.Metadata.Name)
	rolesTag, err := p.platformTag(ctx, s, path)
	if err != nil {
		return change{}, err
	}
	now, there, err := p.current(ctx, s)
	if err != nil {
		return change{}, err
	}
	c := compare(s, now.Spec, there, false)
	if !there {
		c.steps = append(c.steps, step{does: "making the account", method: http.MethodPost, path: "/api/v1/users", body: with(only(s.Spec, "displayName"), "name", s.Metadata.Name), once: "generatedPassword"})
	}
	c.changeAccount(path, now.etag)
	if c.changed("platformRoles") {
		c.steps = append(c.steps, givePlatform(path, roles, rolesTag))
	}
	return c, nil
}

func planRobot(ctx context.Context, p *planner, s source) (change, error) {
	now, there, err := p.current(ctx, s)
	if err != nil {
		return change{}, err
	}
	c := compare(s, now.Spec, there, false)
	at := s.Metadata.place()
	if !there {
		c.steps = append(c.steps, step{does: "making the robot", method: http.MethodPost, path: at.path() + "/robots", body: with(only(s.Spec, "displayName"), "name", s.Metadata.Name)})
	}
	c.changeAccount(s.kind.get(at, s.Metadata.Name), now.etag)
	return c, nil
}

// changeAccount adds the step that changes what is to be different of an account,
// of what making it did not say.
func (c *change) changeAccount(path, etag string) {
	body := map[string]any{}
	for _, key := range []string{"displayName", "disabled"} {
		if v, given := c.Spec[key]; given && c.changed(key) && (c.there || key == "disabled") {
			body[key] = v
		}
	}
	if len(body) > 0 {
		c.steps = append(c.steps, step{does: "changing the account", method: http.MethodPatch, path: path, body: body, etag: etag})
	}
}

// platformRoles are the ids of the roles that a document gives on the platform;
// the document has their names afterwards as the API says them.
func (p *planner) platformRoles(ctx context.Context, s *source) ([]any, error) {
	wanted, ok := s.Spec["platformRoles"].([]any)
	if !ok {
		return nil, nil
	}
	ids := make([]any, len(wanted))
	for i, role := range wanted {
		id, _, err := p.role(ctx, *s, "/spec/platformRoles/"+strconv.Itoa(i), text(role))
		if err != nil {
			return nil, err
		}
		ids[i] = id
	}
	s.Spec = with(s.Spec, "platformRoles", ids)
	return ids, nil
}

// platformTag is the ETag of the roles on the platform of what is at a path, if a
// document says them. It is read before them, and not newer.
func (p *planner) platformTag(ctx context.Context, s source, path string) (string, error) {
	if s.Spec["platformRoles"] == nil {
		return "", nil
	}
	tag, err := p.api.read(ctx, path+"/roles", nil)
	return tag, p.missing(s, err)
}

// givePlatform says which roles somebody has on the platform, all of them.
func givePlatform(path string, roles []any, etag string) step {
	if roles == nil {
		roles = []any{}
	}
	return step{
		does: "giving the roles on the platform", method: http.MethodPut, path: path + "/roles", body: map[string]any{"platform": roles}, etag: etag,
		at: func(pointer string) string { return strings.Replace(pointer, "/platform", "/spec/platformRoles", 1) },
	}
}

func planGroup(ctx context.Context, p *planner, s source) (change, error) {
	if s.Metadata.Workspace != "" && s.Spec["platformRoles"] != nil {
		return change{}, s.fault("/spec/platformRoles", "a group of a workspace has roles there only: a MemberGroup says which")
	}
	roles, err := p.platformRoles(ctx, &s)
	if err != nil {
		return change{}, err
	}
	at := s.Metadata.place()
	path := s.kind.get(at, s.Metadata.Name)
	rolesTag, err := p.platformTag(ctx, s, path)
	if err != nil {
		return change{}, err
	}
	now, there, err := p.current(ctx, s)
	if err != nil {
		return change{}, err
	}
	if there {
		if err := s.kind.more(ctx, p.api, &now); err != nil {
			return change{}, err
		}
	}
	c := compare(s, now.Spec, there, false)
	if err := c.stays("displayName", "origin", "externalID"); err != nil {
		return c, err
	}
	if !there {
		c.steps = append(c.steps, step{does: "making the group", method: http.MethodPost, path: s.kind.list(at), body: with(only(s.Spec, "displayName", "origin", "externalID"), "name", s.Metadata.Name)})
	}
	if c.changed("platformRoles") {
		c.steps = append(c.steps, givePlatform(path, roles, rolesTag))
	}
	had, wanted := names(c.now["members"]), names(c.want["members"])
	for _, name := range wanted {
		if !slices.Contains(had, name) {
			c.steps = append(c.steps, step{does: "putting " + name + " in", method: http.MethodPut, path: path + "/members/" + url.PathEscape(name)})
		}
	}
	for _, name := range had {
		if !slices.Contains(wanted, name) {
			c.steps = append(c.steps, step{does: "taking " + name + " out", method: http.MethodDelete, path: path + "/members/" + url.PathEscape(name)})
		}
	}
	return c, nil
}

// names are the texts of a list.
func names(v any) []string {
	list, _ := v.([]any)
	all := make([]string, len(list))
	for i, one := range list {
		all[i] = text(one)
	}
	return all
}
