package indexer

import (
	"maps"
	"strings"

	"ramal/indexer/filter"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// Attribute is a field that a tenant defined for its contacts.
type Attribute struct {
	Name string // as filter.ValidName, without a dot, at most 40 bytes
	Kind filter.Kind
}

// Schema is the declaration of a tenant's attributes. The zero Schema has none.
type Schema struct {
	Attributes []Attribute
}

// Fields are the standard fields and a tenant's attributes, with what may be done with each. The zero Fields has the
// standard ones. It never changes once made.
type Fields struct {
	schema     filter.Schema
	attributes map[string]filter.Kind // by name without prefix
}

// Fields checks the declaration; Invalid with the code "bad_schema" when a name or kind is none, a name is there
// twice, or there are more than MaxAttributes.
func (s Schema) Fields() (Fields, error) {
	all := make(map[string]filter.Kind, len(standard)+len(s.Attributes))
	maps.Copy(all, standard)
	if len(s.Attributes) > MaxAttributes {
		return Fields{}, fault.Newf(fault.Invalid, "indexer.schema", "bad_schema", "%d attributes, more than %d", len(s.Attributes), MaxAttributes)
	}
	own := make(map[string]filter.Kind, len(s.Attributes))
	for _, a := range s.Attributes {
		name := AttributePrefix + a.Name
		if _, twice := all[name]; twice || len(a.Name) > 40 || strings.Contains(a.Name, ".") || !filter.ValidName(a.Name) {
			return Fields{}, fault.Newf(fault.Invalid, "indexer.schema", "bad_schema", "%q is no name of an attribute, or there twice", a.Name)
		}
		all[name], own[a.Name] = a.Kind, a.Kind
	}
	schema, err := filter.NewSchema(all)
	if err != nil {
		return Fields{}, &fault.Error{Kind: fault.Invalid, Op: "indexer.schema", Code: "bad_schema", Cause: err}
	}
	return Fields{schema, own}, nil
}

// plainFields are the fields of a tenant that declared nothing.
var plainFields, _ = Schema{}.Fields() // the standard fields are well-formed: the tests say so

// Filter returns the schema against which the tenant's filters are parsed.
func (f Fields) Filter() filter.Schema {
	if f.attributes == nil {
		return plainFields.schema
	}
	return f.schema
}

// Attributes returns the kinds of the tenant's attributes by their names. The caller does not change it.
func (f Fields) Attributes() map[string]filter.Kind { return f.attributes }

// Kind returns the kind of a field, attributes with their prefix.
func (f Fields) Kind(field string) (filter.Kind, bool) { return f.Filter().Kind(field) }

// Sortable reports whether documents can be sorted by a field: all but tags and the id.
func (f Fields) Sortable(field string) bool {
	kind, ok := f.Kind(field)
	return ok && kind != filter.Tags && field != FieldID
}

// Facetable reports whether the values of a field can be counted: texts of which few differ, booleans and tags.
func (f Fields) Facetable(field string) bool {
	switch kind, _ := f.Kind(field); kind {
	case filter.Boolean, filter.Tags:
		return true
	case filter.Text:
		return field != FieldID && field != FieldName && field != FieldPhone && field != FieldOrderNo
	default:
		return false
	}
}

// Supersede checks that a declaration may follow an earlier one: attributes may come and go, but one that stays
// keeps its kind. Otherwise Conflict with the code "attribute_kind_changed".
func (f Fields) Supersede(earlier Fields) error {
	for name, kind := range f.attributes {
		if was, ok := earlier.attributes[name]; ok && was != kind {
			return fault.Newf(fault.Conflict, "indexer.declare", "attribute_kind_changed", "attribute %q is a %s and cannot become a %s", name, was, kind)
		}
	}
	return nil
}

// CheckTenant returns Invalid with the code "bad_tenant" where there is no tenant.
func CheckTenant(t id.Tenant) error {
	if !id.Valid(string(t)) {
		return fault.Newf(fault.Invalid, "indexer.tenant", "bad_tenant", "%q is no tenant", string(t))
	}
	return nil
}
