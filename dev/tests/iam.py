"""The Terraform module and the CloudFormation template in config/iam make what `irsa-operator iam-policy` prints, and what
the docs print in Terraform's language fits the module and the chart.

    iam.py HCL OPERATOR HELM
"""
import json, pathlib, re, subprocess, sys, tempfile, textwrap
import yaml

HCL, OPERATOR, HELM = sys.argv[1:4]
ROOT = pathlib.Path(__file__).resolve().parents[2]
IAM = ROOT / "config/iam"
ACCOUNT, REGION = "111122223333", "eu-west-1"
passed = failed = 0


class Cloud:
    """So much of CloudFormation as the template uses: an intrinsic function that it does not know is an error."""

    ABSENT = object()

    def __init__(self, text, parameters, partition):
        loader = type("Loader", (yaml.SafeLoader,), {})
        loader.add_multi_constructor("!", lambda load, tag, node: (tag, self.plain(load, node)))
        self.template = yaml.load(text, loader)
        self.names = {"AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": partition, "AWS::NoValue": self.ABSENT}
        unknown = set(parameters) - set(self.template["Parameters"])
        assert not unknown, f"no such parameters: {unknown}"
        for name, told in self.template["Parameters"].items():
            value = str(parameters[name]) if name in parameters else str(told["Default"])
            assert re.search(told.get("AllowedPattern", ""), value), f"{name}: {value}"
            assert value in told.get("AllowedValues", [value]), f"{name}: {value}"
            self.names[name] = value.split(",") if told["Type"] == "CommaDelimitedList" else value

    @staticmethod
    def plain(load, node):
        kinds = {yaml.ScalarNode: load.construct_scalar, yaml.SequenceNode: lambda n: load.construct_sequence(n, True)}
        return kinds.get(type(node), lambda n: load.construct_mapping(n, True))(node)

    def condition(self, name):
        return self.value(self.template["Conditions"][name])

    def value(self, it):
        if isinstance(it, tuple):
            return getattr(self, "of_" + it[0].lower())(it[1])
        if isinstance(it, dict):
            return {k: v for k, v in ((k, self.value(v)) for k, v in it.items()) if v is not self.ABSENT}
        if isinstance(it, list):
            return [v for v in map(self.value, it) if v is not self.ABSENT]
        return it

    def of_ref(self, name):
        return self.names[name]

    def of_sub(self, text):
        return re.sub(r"\$\{([^}]+)\}", lambda m: self.names[m[1]], text)

    def of_join(self, it):
        return it[0].join(self.value(it[1]))

    def of_equals(self, it):
        return self.value(it[0]) == self.value(it[1])

    def of_not(self, it):
        return not self.value(it[0])

    def of_and(self, it):
        return all(map(self.value, it))

    def of_or(self, it):
        return any(map(self.value, it))

    def of_condition(self, name):
        return self.condition(name)

    def of_if(self, it):
        return self.value(it[1] if self.condition(it[0]) else it[2])


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        raise SystemExit(f"{command}: {done.stderr}")
    return done.stdout


def printed(scope, partition):
    flags = [f"--cluster-id={scope['cluster']}", f"--account={ACCOUNT}", f"--partition={partition}", f"--path={scope.get('path', '/irsa/')}"]
    for name, flag in {"boundaries": "--boundary", "managed": "--managed-policies", "assumed": "--assume-role"}.items():
        flags += [f"{flag}={arn}" for arn in scope.get(name, [])]
    flags += [f"--issuer=https://{it}" for it in [scope.get("issuer")] if it]
    flags += [f"--eks-cluster={REGION}/{it}" for it in [scope.get("eks")] if it]
    return json.loads(run(OPERATOR, "iam-policy", *flags, env={}))


def terraform(scope, partition):
    names = {"cluster": "cluster_id", "boundaries": "boundaries", "managed": "managed_policies", "assumed": "assume_roles",
             "eks": "eks_cluster_name", "identity": "identity"}
    given = {names[k]: v for k, v in scope.items() if k in names}
    if "issuer" in scope:
        given["issuer"] = f"https://{scope['issuer']}"
    if "path" in scope:
        given["paths"] = [scope["path"]]
    return module(given, partition)


def module(given, partition):
    data = {"aws_caller_identity": {"current": {"account_id": ACCOUNT}}, "aws_partition": {"current": {"partition": partition}},
            "aws_region": {"current": {"id": REGION}}}
    answer = json.loads(run(HCL, IAM / "terraform", "policy", "trust", input=json.dumps({"var": given, "data": data})))
    return json.loads(answer["policy"]), json.loads(answer["trust"])


def cloudformation(scope, partition):
    names = {"cluster": "ClusterId", "path": "Path", "boundaries": "Boundaries", "managed": "ManagedPolicies",
             "issuer": "Issuer", "assumed": "AssumeRoles", "eks": "EksClusterName", "identity": "Identity"}
    given = {names[k]: ",".join(v) if isinstance(v, list) else v for k, v in scope.items()}
    cloud = Cloud((IAM / "cloudformation.yaml").read_text(), given, partition)
    role = cloud.value(cloud.template["Resources"]["Role"]["Properties"])
    return role["Policies"][0]["PolicyDocument"], json.loads(role["AssumeRolePolicyDocument"])


def trust(scope, partition):
    statement = {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {"Service": "pods.eks.amazonaws.com"},
                 "Condition": {"StringEquals": {"aws:RequestTag/kubernetes-namespace": "irsa-operator",
                                                "aws:RequestTag/kubernetes-service-account": "irsa-operator"}}}
    if scope.get("identity") == "irsa":
        issuer = scope["issuer"]
        statement = {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
                     "Principal": {"Federated": f"arn:{partition}:iam::{ACCOUNT}:oidc-provider/{issuer}"},
                     "Condition": {"StringEquals": {f"{issuer}:aud": "sts.amazonaws.com",
                                                    f"{issuer}:sub": "system:serviceaccount:irsa-operator:irsa-operator"}}}
    return {"Version": "2012-10-17", "Statement": [statement]}


def told(document):
    return json.dumps(document, indent=1, sort_keys=True)


boundary, policy = f"arn:aws:iam::{ACCOUNT}:policy/irsa-boundary", "arn:aws:iam::aws:policy/AmazonS3*"
issuer = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
for what, partition, scope in (
    ("the least", "aws", {"cluster": "a"}),
    ("the example of config/iam", "aws", {"cluster": "example", "boundaries": [boundary], "issuer": issuer, "eks": "example"}),
    ("IRSA", "aws", {"cluster": "a", "issuer": issuer, "identity": "irsa"}),
    ("managed policies, no boundary", "aws", {"cluster": "a", "managed": [policy]}),
    ("everything, in another partition", "aws-cn", {
        "cluster": "prod-eu-1", "path": "/team/irsa/", "boundaries": [boundary, f"{boundary}-*"], "managed": [policy, policy + "/x"],
        "issuer": issuer, "assumed": ["arn:aws:iam::222233334444:role/irsa-operator"], "eks": "prod", "identity": "irsa"}),
):
    for tool, make in (("Terraform", terraform), ("CloudFormation", cloudformation)):
        document, who = make(scope, partition)
        for name, ours, wanted in (("policy", document, printed(scope, partition)), ("trust", who, trust(scope, partition))):
            if told(ours) == told(wanted):
                passed += 1
                print(f"ok: {tool}, {what}: the {name}")
            else:
                failed += 1
                print(f"FAILED: {tool}, {what}: the {name} is\n{told(ours)}\nand should be\n{told(wanted)}")


def told_of(sentence, faults):
    """Faults are sentences; none is right."""
    global passed, failed
    faults = [fault for fault in faults if fault]
    failed, passed = failed + bool(faults), passed + (not faults)
    print(f"FAILED: {sentence}\n  " + "\n  ".join(faults) if faults else f"ok: {sentence}")


def example(text):
    """What calls the module gives it what it takes, and what installs the chart gives it values that it has."""
    role = "arn:aws:iam::111122223333:role/irsa-operator"
    outputs = re.findall(r'^output "(\w+)"', (IAM / "terraform/outputs.tf").read_text(), re.M)
    names = {"module": {"eks": {"cluster_oidc_issuer_url": f"https://{issuer}", "cluster_name": "prod"},
                        "irsa_operator": {name: role if name == "role_arn" else "-" for name in outputs}},
             "aws_iam_policy": {"irsa_boundary": {"arn": boundary}},
             "each": {"value": {"namespace": "shop", "service_account": "cart"}}}
    with tempfile.NamedTemporaryFile("w", suffix=".tf") as file:
        file.write(textwrap.dedent(text))
        file.flush()
        blocks = json.loads(run(HCL, "--example", file.name, input=json.dumps(names)))
    for name, block in blocks.items():
        if "config/iam/terraform" in block.get("source", ""):
            made = module({k: v for k, v in block.items() if k != "source"}, "aws")
            scope = {"cluster": block["cluster_id"], "boundaries": block["boundaries"], "issuer": issuer, "eks": "prod",
                     "identity": block.get("identity")}
            for what, ours, wanted in zip(("policy", "trust"), made, (printed(scope, "aws"), trust(scope, "aws"))):
                yield f"{name}: the {what} is\n{told(ours)}\nand should be\n{told(wanted)}" if told(ours) != told(wanted) else None
            seen.add("module")
        elif name.startswith("helm_release."):
            if (f'{block["repository"]}/{block["chart"]}' not in (ROOT / "README.md").read_text()):
                yield f"{name}: README.md has the chart elsewhere"
            done = subprocess.run([HELM, "template", block["name"], ROOT / "charts/irsa-operator", "--namespace", block["namespace"],
                                   "--values", "-"], input=block["values"][0], capture_output=True, text=True)
            rendered = {o["kind"]: o for o in yaml.safe_load_all(done.stdout) if o}
            if done.returncode:
                yield f"{name}: {done.stderr}"
            elif blocks["module.irsa_operator"].get("identity") != "irsa":
                yield f"{name}: the module's role does not trust the ServiceAccount"
            elif rendered["ServiceAccount"]["metadata"]["annotations"] != {"eks.amazonaws.com/role-arn": role}:
                yield f"{name}: the operator has another role than the module made"
            seen.add("chart")


seen = set()
for page in [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), IAM / "README.md"]:
    for number, text in enumerate(re.findall(r"^```hcl\n(.*?)^```", page.read_text(), re.M | re.S), 1):
        told_of(f"{page.relative_to(ROOT)}: example {number} for Terraform", example(text))
told_of("the docs have examples for module and chart", [f"there is none for the {what}" for what in {"module", "chart"} - seen])
print(f"config/iam: {passed} passed, {failed} failed")
sys.exit(failed > 0)
