"""One module for each target; `lstmgraph.codegen.generate.TARGETS` lists them."""
