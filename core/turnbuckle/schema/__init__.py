"""Types as schemas: an annotation becomes a decoder, an encoder and a JSON Schema. No I/O, nothing of HTTP.

``schema`` has ``compile_schema``; ``faults`` has the faults of values and the errors. ``compiler`` turns annotations to
the ``nodes``, with ``classes``, ``hints`` and ``validators``; ``engines`` finds the fast ways of msgspec and cattrs;
``definitions`` names the classes in JSON Schema. ``json_decoding`` and ``json_encoding`` read and write JSON itself.
"""
