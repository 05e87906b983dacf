// What the sample in tests/consumer/cdk doesn't use. Run by tests/consumer/cdk/run.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { App, Stack } = require("aws-cdk-lib");
const { MockIntegration, RestApi } = require("aws-cdk-lib/aws-apigateway");
const { HttpApi, HttpMethod, WebSocketApi } = require("aws-cdk-lib/aws-apigatewayv2");
const { HttpUrlIntegration, WebSocketMockIntegration } = require("aws-cdk-lib/aws-apigatewayv2-integrations");
const { Template } = require("aws-cdk-lib/assertions");
const { NovaAuth } = require("@nova-auth/cdk");

const stack = () => new Stack(new App({ analyticsReporting: false }), "notes");
const only = (made, type) => {
  const found = Object.values(Template.fromStack(made).findResources(type));
  assert.equal(found.length, 1);
  return found[0].Properties;
};

test("an API with public rules asks about calls without a token, and still keeps nothing", () => {
  for (const [type, attach] of [
    ["AWS::ApiGateway::Authorizer", (made, nova) => rest(made, nova.restAuthorizer("A", { tokenRequired: false }))],
    ["AWS::ApiGatewayV2::Authorizer", (made, nova) => http(made, nova.httpAuthorizer("A", { tokenRequired: false }))],
    ["AWS::ApiGatewayV2::Authorizer", (made, nova) => chat(made, nova.webSocketAuthorizer("A", { tokenRequired: false }))],
  ]) {
    const made = stack();
    attach(made, new NovaAuth(made, "NovaAuth"));
    const authorizer = only(made, type);
    assert.deepEqual([authorizer.IdentitySource ?? []].flat(), [], type);
    assert.ok([0, undefined].includes(authorizer.AuthorizerResultTtlInSeconds));
  }
});

test("another account's authorizer is called by that account's ARN and this account's role, and nothing is imported", () => {
  const made = stack();
  const authorizerArn = "arn:aws:lambda:eu-central-1:111111111111:function:authorizer";
  const invokeRoleArn = "arn:aws:iam::222222222222:role/calls";
  rest(made, new NovaAuth(made, "NovaAuth", { authorizerArn, invokeRoleArn }).restAuthorizer("A"));
  const authorizer = only(made, "AWS::ApiGateway::Authorizer");
  assert.equal(authorizer.AuthorizerCredentials, invokeRoleArn);
  assert.ok(JSON.stringify(authorizer.AuthorizerUri).includes(`functions/${authorizerArn}/invocations`));
  const all = JSON.stringify(Template.fromStack(made).toJSON());
  assert.ok(!all.includes("ImportValue") && !all.includes("AWS::Lambda::Permission") && !all.includes("AWS::IAM::Policy"));
  assert.throws(() => new NovaAuth(made, "Half", { authorizerArn }), /belong together/);
});

test("the form of answers is the one that the stack is told", () => {
  const made = stack();
  http(made, new NovaAuth(made, "NovaAuth", { stackName: "auth" }).httpAuthorizer("A", { simpleResponses: true }));
  const authorizer = only(made, "AWS::ApiGatewayV2::Authorizer");
  assert.deepEqual([authorizer.EnableSimpleResponses, authorizer.AuthorizerPayloadFormatVersion], [true, "2.0"]);
  assert.deepEqual(authorizer.AuthorizerCredentialsArn, { "Fn::ImportValue": "auth-AuthorizerInvokeRoleArn" });
});

test("an authorizer of one API is not taken for another's", () => {
  const made = stack();
  const nova = new NovaAuth(made, "NovaAuth");
  const [ofHttp, ofRest] = [nova.httpAuthorizer("A"), nova.restAuthorizer("B")];
  http(made, ofHttp, "One");
  assert.throws(() => http(made, ofHttp, "Two"), /belongs to another API/);
  rest(made, ofRest, "Three");
  assert.throws(() => rest(made, ofRest, "Four"), /two different|another/i);
});

test("a REST API refuses in the language that it is told", () => {
  for (const [language, word] of [["en", "Not authorized."], ["ar", "غير مصرح"]]) {
    const made = stack();
    const nova = new NovaAuth(made, "NovaAuth");
    nova.wordRefusals(rest(made, nova.restAuthorizer("A")), language);
    const found = Object.values(Template.fromStack(made).findResources("AWS::ApiGateway::GatewayResponse"));
    const refused = found.find(({ Properties }) => Properties.ResponseType === "UNAUTHORIZED").Properties;
    assert.equal(JSON.parse(refused.ResponseTemplates["application/json"]).message, word);
    assert.equal(refused.ResponseParameters["gatewayresponse.header.Content-Language"], `'${language}'`);
  }
});

function rest(made, authorizer, id = "Api") {
  const api = new RestApi(made, id, { cloudWatchRole: false, defaultMethodOptions: { authorizer } });
  api.root.addMethod("GET", new MockIntegration());
  return api;
}

function http(made, defaultAuthorizer, id = "Api") {
  const api = new HttpApi(made, id, { defaultAuthorizer });
  api.addRoutes({ path: "/", methods: [HttpMethod.GET], integration: new HttpUrlIntegration("Behind", "https://example.com") });
}

function chat(made, authorizer) {
  new WebSocketApi(made, "Api", { connectRouteOptions: { integration: new WebSocketMockIntegration("Mock"), authorizer } });
}
