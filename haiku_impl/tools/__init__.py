"""Looking into a program: graphs, equations, summaries."""
