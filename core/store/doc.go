// Package store keeps the platform's state: records under keys, changed in
// transactions, numbered by revisions, watched as they change.
//
// The face is small on purpose: etcd and SQL databases will stand behind it as
// bbolt does now, and every driver passes the suite in storetest. What belongs
// here is keeping bytes; what they mean is for the rooms above. Packages,
// audit and other large things do not belong in the store.
package store
