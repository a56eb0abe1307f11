// The catalogue's schema as the generator sees it: definitions and properties
// in the order in which they are written, because readers meet them in that order.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// schema is the part of JSON Schema that the catalogue uses.
type schema struct {
	Description          string          `json:"description"`
	Ref                  string          `json:"$ref"`
	Type                 any             `json:"type"`
	Const                *string         `json:"const"`
	Enum                 []string        `json:"enum"`
	Required             []string        `json:"required"`
	Properties           ordered         `json:"properties"`
	Items                *schema         `json:"items"`
	AdditionalProperties json.RawMessage `json:"additionalProperties"`
	AllOf                []*schema       `json:"allOf"`
	If                   *schema         `json:"if"`
	ReadOnly             bool            `json:"readOnly"`
	Union                []string        `json:"x-union"`
	UnionOf              *unionOf        `json:"x-union-of"`
	Group                string          `json:"x-group"`
	Defs                 ordered         `json:"$defs"`
}

// unionOf names the members of a union and the property that tells them apart.
type unionOf struct {
	By      string   `json:"by"`
	Members []string `json:"members"`
}

// ordered is an object of schemas in the order in which it is written.
type ordered []named

// named is one entry of it.
type named struct {
	Name   string
	Schema *schema
}

// UnmarshalJSON keeps the order of the keys.
func (o *ordered) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		s := &schema{}
		if err := d.Decode(s); err != nil {
			return fmt.Errorf("%v: %w", key, err)
		}
		*o = append(*o, named{key.(string), s})
	}
	return nil
}

// values is the schema of an object's values, nil when it has none.
func (s *schema) values() *schema {
	if len(s.AdditionalProperties) == 0 || s.AdditionalProperties[0] != '{' {
		return nil
	}
	v := &schema{}
	if json.Unmarshal(s.AdditionalProperties, v) != nil {
		return nil
	}
	return v
}

// based tells whether a definition has what every node has.
func (s *schema) based() bool {
	for _, a := range s.AllOf {
		if a.Ref == "#/$defs/Base" {
			return true
		}
	}
	return false
}
