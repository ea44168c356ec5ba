"""Each layer of the simulator beside real data: a picture and a table of figures."""
