"""`edgetl channel publish`, `rollout`, `rollback`, `renew` and `keys`: a new version of an index, or of the key list."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from edgetl.cli._channel import (
    ChannelOption,
    DaysOption,
    KeyOption,
    PastOption,
    TrustOption,
    UrlOption,
    os_version,
    publisher,
    share,
    tell,
)
from edgetl.cli._options import JsonOption

_Release = Annotated[
    int | None, typer.Option("--release", metavar="N", help="The release that is meant; refused if another is newest by now.")
]
_Keys = Annotated[
    list[Path] | None, typer.Option("--add", metavar="PUB", help="Key that may publish and change the list. Repeatable.")
]


def add(channel: typer.Typer) -> None:
    """Add the commands."""

    @channel.command(help="Upload a bundle and make it the newest release.")
    def publish(
        bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The bundle.zip of a run.")],
        to: UrlOption,
        channel: ChannelOption,
        rollout: Annotated[str, typer.Option("--rollout", metavar="SHARE", help="Who gets it: 10% of clients.")] = "100%",
        key: KeyOption = None,
        trust: TrustOption = None,
        min_app: Annotated[str, typer.Option("--min-app", metavar="VERSION", help="Least version of the app.")] = "",
        system: Annotated[
            list[str] | None,
            typer.Option("--os", metavar="NAME=VERSION", help="System and its least version; no others. Repeatable."),
        ] = None,
        device: Annotated[
            list[str] | None,
            typer.Option("--device", metavar="MODEL", help="Only this model; `Pixel*` = all that begin so. Repeatable."),
        ] = None,
        artifact: Annotated[
            list[str] | None,
            typer.Option(
                "--artifact",
                metavar="TARGET[=MODEL,…]",
                help="Artifact to serve, and to whom; the first that fits [the ship set's]. Repeatable.",
            ),
        ] = None,
        valid_days: DaysOption = None,
        allow_failed: Annotated[bool, typer.Option("--allow-failed", help="Publish it although a gate failed.")] = False,
        anew: Annotated[
            bool, typer.Option("--anew", help="Forget releases that a key signed which is no longer listed.")
        ] = False,
        past: PastOption = 0,
        json: JsonOption = False,
    ) -> None:
        from edgetl.channel import publishing
        from edgetl.channel.index import System
        from edgetl.channel.release import of_bundle

        pairs = [os_version(text) for text in system or ()]
        wanted = [text.partition("=") for text in artifact or ()]
        described = of_bundle(
            bundle,
            rollout=share(rollout),
            min_app=min_app,
            systems=tuple(System(name=name, version=version) for name, version in pairs),
            devices=tuple(device or ()),
            wanted=tuple((name, tuple(filter(None, models.split(",")))) for name, _, models in wanted),
            allow_failed=allow_failed,
        )
        who = publisher(to, channel, key, trust, valid_days, past)
        if described.signed_by is None:
            who.notes.append("The bundle itself is not signed; clients need only the channel's signature.")
        elif described.signed_by != who.key.public.id:
            who.notes.append(
                f"The bundle itself says it is signed by {described.signed_by}, not by the key that publishes it. Is that meant? "
                "`edgetl ship verify --key PUB` checks it."
            )
        else:
            who.notes.append(f"The bundle itself says it is signed by {described.signed_by}, as the channel is.")
        tell(publishing.publish(who, bundle, described.release, anew=anew), who, json=json, why=described.why)

    @channel.command(help="Set how many clients get the newest release. More only adds clients; fewer sends some back.")
    def rollout(
        share_: Annotated[str, typer.Argument(metavar="SHARE", help="50%, 0.5")],
        at: UrlOption,
        channel: ChannelOption,
        key: KeyOption = None,
        trust: TrustOption = None,
        release: _Release = None,
        valid_days: DaysOption = None,
        json: JsonOption = False,
    ) -> None:
        from edgetl.channel import publishing

        who = publisher(at, channel, key, trust, valid_days)
        tell(publishing.rollout(who, share(share_), release), who, json=json)

    @channel.command(help="Take the newest release back: clients get what they got before it.")
    def rollback(
        at: UrlOption,
        channel: ChannelOption,
        key: KeyOption = None,
        trust: TrustOption = None,
        release: _Release = None,
        valid_days: DaysOption = None,
        json: JsonOption = False,
    ) -> None:
        from edgetl.channel import publishing

        who = publisher(at, channel, key, trust, valid_days)
        tell(publishing.rollback(who, release), who, json=json)

    @channel.command(help="Say the same for longer, before the index expires.")
    def renew(
        at: UrlOption,
        channel: ChannelOption,
        key: KeyOption = None,
        trust: TrustOption = None,
        valid_days: DaysOption = None,
        past: PastOption = 0,
        json: JsonOption = False,
    ) -> None:
        from edgetl.channel import publishing

        who = publisher(at, channel, key, trust, valid_days, past)
        tell(publishing.renew(who), who, json=json)

    @channel.command(
        help="Show which keys may publish, and what to build into an app; or change the list, signed by a key of the one before."
    )
    def keys(
        at: UrlOption,
        key: KeyOption = None,
        trust: TrustOption = None,
        add: _Keys = None,
        add_publisher: Annotated[
            list[Path] | None,
            typer.Option("--add-publisher", metavar="PUB", help="Key that may publish and no more. Repeatable."),
        ] = None,
        remove: Annotated[
            list[str] | None, typer.Option("--remove", metavar="ID", help="Key that may no longer. Repeatable.")
        ] = None,
        stolen: Annotated[bool, typer.Option("--stolen", help="Remove it although clients refuse what it signed last.")] = False,
        json: JsonOption = False,
    ) -> None:
        from edgetl import signing
        from edgetl.channel import built_in, standing
        from edgetl.channel.keys import listed, trusted
        from edgetl.channel.rotation import rotate
        from edgetl.channel.storage import Storage
        from edgetl.errors import InputError

        if add or add_publisher or remove or (trust is None and key is not None):
            who = publisher(at, "any", key, trust)
            new = [listed(signing.public_key(file), rotates=True) for file in add or ()]
            new += [listed(signing.public_key(file), rotates=False) for file in add_publisher or ()]
            if new or remove:
                now = rotate(who.storage, who.trust, who.key, tuple(new), frozenset(remove or ()), stolen=stolen)
            else:
                now = standing.trusted(who.storage, who.trust)
        elif trust is None:
            raise InputError("--trust: give the public key, or key list, that these channels began with; or --key.")
        else:
            now = standing.trusted(Storage(at), trusted(trust))
        rows = [{"id": one.key.id, "public": one.public, "rotates": one.rotates} for one in now.keys]
        kotlin, swift = built_in.kotlin(now), built_in.swift(now)
        if json:
            found = {"schema": 1, "url": at, "version": now.version, "sha256": now.sha256, "keys": rows}
            typer.echo(json_module.dumps(found | {"kotlin": kotlin, "swift": swift}))
            return
        typer.echo(f"Key list {now.version}:" if now.version else "No key list lies there yet; trust begins with:")
        for row in rows:
            typer.echo(f"  {row['id']}: may publish{' and change the list' if row['rotates'] else ''}")
        typer.echo(f"To build into new versions of an app:\n  Kotlin: {kotlin}\n  Swift: {swift}")
