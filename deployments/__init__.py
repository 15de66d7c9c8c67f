"""How the pipeline is run: on one machine, in containers, on Kubernetes."""
