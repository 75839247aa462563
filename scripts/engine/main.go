// Command engine is the consortium's node: geth as BNB Smart Chain keeps it, with the Parlia engine.
//
// Nothing is added to it; this module only pins which versions are built.
package main
