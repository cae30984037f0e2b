"""HTTP: designs, sessions and runs for other software and for the page.

    app       puts it together          deps      the service behind the routes, and whose request it is
    guard     who may come in           observe   request ids, logs, metrics, and no error without an answer
    events    what listeners hear       uploads   pictures of strangers, bounded before they are decoded
    models    what goes in and out      designs, runs, sessions, files, meta, page   the routes
"""
