// A rule of a manifest: which Kubernetes verbs on which kinds.
package capability

// Rule allows verbs on resources, for the person who asks and never beyond what
// that person may. Nothing in it is implied: a subresource is named by itself,
// and "*" stands for no subresource and for nothing dangerous.
type Rule struct {
	Groups    []string `json:"groups" minItems:"1" maxItems:"16" itemPattern:"^(\\*|[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?|)$" doc:"API groups; \"\" is Kubernetes' core group, \"*\" all." example:"[\"\"]"`
	Resources []string `json:"resources" minItems:"1" maxItems:"64" itemPattern:"^(\\*|[a-z0-9]([-a-z0-9.]{0,62})(/[a-z0-9]+)?)$" doc:"Resources, and subresources as pods/log; \"*\" is every resource that is not dangerous, and no subresource." example:"[\"pods\", \"pods/log\"]"`
	Verbs     []string `json:"verbs" minItems:"1" maxItems:"12" itemEnum:"get,list,watch,create,update,patch,delete,deletecollection,*" doc:"Verbs; \"*\" is all that are listed here. exec, attach and portforward need create." example:"[\"get\", \"list\", \"watch\"]"`
	Names     []string `json:"names,omitempty" maxItems:"64" itemPattern:"^[a-z0-9]([-a-z0-9.:]{0,251}[a-z0-9])?$" doc:"Only objects of these names. Requests that name no object are then refused." example:"[\"app-config\"]"`
}
