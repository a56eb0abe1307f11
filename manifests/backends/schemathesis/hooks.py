# What schemathesis does not know of Atoll's document: how a package is sent. It
# is never one: what an installation does is asked by other tests.
import schemathesis


@schemathesis.serializer("application/x-tar")
def tar(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode()
